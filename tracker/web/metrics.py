"""Figures of delivery for a scraper, in Prometheus's text format. They name no engagement, person or channel."""

from collections.abc import Iterator, Mapping

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.errors import NotAllowed
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services.delivery import FOUND, REPEATED
from tracker.store import clock
from tracker.store.database import db
from tracker.store.watch import Figures, figures

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
@allow(Permission.SEE_NOTICES)
def metrics() -> ResponseReturnValue:
    """For a token of somebody of the staff, whatever its scope, and for the staff who are signed in."""
    if current_actor().only_engagement_id is not None:
        raise NotAllowed("These figures are of the whole installation, and the token is for one engagement.")
    registry = CollectorRegistry()
    registry.register(Delivered(figures(db.session, clock.database_now(db.session, utc_now()))))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Delivered(Collector):
    """The figures of one moment as metrics. Gauges throughout: the database is asked, nothing is counted in a process."""

    def __init__(self, seen: Figures) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        seen = self._seen
        yield _labelled("tracker_notices", "Notices by state.", "state", seen.by_state)
        yield _one(
            "tracker_notices_oldest_overdue_seconds", "How long the notice that waits longest is due.", seen.oldest_overdue
        )
        yield _one("tracker_notices_repeated_day", "Sent again as a possible repeat, in 24 h.", seen.outcomes.get(REPEATED, 0))
        yield _one("tracker_notices_found_day", "In doubt, then found in the channel, in 24 h.", seen.outcomes.get(FOUND, 0))
        yield _labelled("tracker_delivery_outcomes_day", "Lines of the delivery log in 24 h.", "outcome", seen.outcomes)
        yield _one("tracker_edits_waiting", "Messages that do not say yet what they should.", seen.edits_waiting)
        yield _labelled("tracker_breaker_seconds", "For how long nothing is sent on a road.", "road", seen.held)
        yield _labelled("tracker_job_silence_seconds", "Since each job last ran to its end.", "job", seen.job_silence)
        silence = {run.node: (seen.now - run.beat_at).total_seconds() for run in seen.running}
        yield _labelled("tracker_worker_silence_seconds", "Since each running worker last beat.", "node", silence)
        versions = InfoMetricFamily("tracker_worker", "What each running worker runs on.", labels=["node"])
        for run in seen.running:
            versions.add_metric([run.node], {name: str(value) for name, value in run.versions.items()})
        yield versions


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family
