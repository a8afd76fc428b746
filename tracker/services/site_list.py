"""List many sites from a file: tried first, all the good rows in one unit, and the same file again changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid, UnlistedSite
from tracker.domain.inventory import Change
from tracker.domain.listing import DEFAULTS, read_values
from tracker.domain.rejected_row import RejectedRow, harmless
from tracker.domain.site import check_package, check_variant
from tracker.domain.site_list import SiteRow, reject
from tracker.intake.site_list import SiteList
from tracker.services.listing import list_sites
from tracker.store import audit, upload
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.store.upload import Upload

AGAINST_EDITS = {"key_share": True}
FILE_NAME_LENGTH = 200


@dataclass(frozen=True)
class ListTrial:
    """What a list of sites does, done or only tried: `added`, or `unchanged` where a site is listed just so."""

    accepted: tuple[tuple[SiteRow, Change], ...]
    rejected: tuple[RejectedRow, ...]

    @property
    def added(self) -> list[SiteRow]:
        return [row for row, change in self.accepted if change is Change.ADDED]


def try_list(session: AnySession, actor: Actor, engagement_id: UUID, listed: SiteList) -> ListTrial:
    """Say what a list would add; nothing is kept. Two statements, however long it is.

    Raises NotFound, NotAllowed, UnlistedSite once the requirements are agreed (BR-01, BR-47).
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    return _tried(session, engagement, listed)


def import_list(session: AnySession, actor: Actor, engagement_id: UUID, listed: SiteList, *, now: datetime) -> ListTrial:
    """List the good rows. Raises as `try_list` does."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    session.refresh(engagement, with_for_update=AGAINST_EDITS)
    trial = _tried(session, engagement, listed)
    if trial.added:
        list_sites(session, actor, engagement, [dict(row.values) for row in trial.added], now=now)
        said = {"added": len(trial.added), "rejected": len(trial.rejected), "digest": listed.digest}
        audit.record(session, actor, engagement.id, "sites.imported", ("engagement", engagement.id), said)
    return trial


def _tried(session: AnySession, engagement: Engagement, listed: SiteList) -> ListTrial:
    if engagement.requirements_version > 0:
        raise UnlistedSite("The requirements are agreed, and further sites are not in them. Raise a change request to add them.")
    there = {site.url_key: site for site in sites.of_engagement(session, engagement.id) if site.stage != "withdrawn"}
    accepted: list[tuple[SiteRow, Change]] = []
    rejected = list(listed.rejected)
    rows: dict[str, int] = {}
    for row in listed.rows:
        try:
            values = _checked(row)
            earlier = rows.setdefault(values["url_key"], row.row)
            if earlier != row.row:
                raise Invalid.at("url", f"Row {earlier} lists this address already.")
            accepted.append((row, _change(row, values, there.get(values["url_key"]))))
        except Invalid as error:
            rejected.append(reject(row, error))
    return ListTrial(tuple(accepted), tuple(sorted(rejected, key=lambda each: each.row)))


def _checked(row: SiteRow) -> dict[str, Any]:
    """Every value as it is stored. Raises Invalid as listing it would."""
    values = read_values(DEFAULTS | {"url": "", "name": "", "cms": ""} | dict(row.values))
    check_package(values["package"], values["premium_option"])
    check_variant(values["cms"], values["cms_variant"])
    return values


def _change(row: SiteRow, values: dict[str, Any], site: Site | None) -> Change:
    if site is None:
        return Change.ADDED
    other = [name for name in row.values if name != "url" and values[name] != getattr(site, name)]
    if other:
        said = ", ".join(each.replace("_", " ") for each in other)
        raise Invalid.at("url", f"This address is listed already, as {site.name}, with another {said}. Edit that site instead.")
    return Change.UNCHANGED


# --- a list between its preview and its import ------------------------------------------------------------------------


def keep_list(
    session: AnySession, actor: Actor, engagement_id: UUID, listed: SiteList, *, now: datetime, name: str | None = None
) -> Upload:
    """Keep what was read of a list for its preview. Raises as `try_list` does."""
    try_list(session, actor, engagement_id, listed)
    kept = Upload(
        engagement_id=engagement_id,
        purpose=upload.SITES,
        file_name=harmless(name, FILE_NAME_LENGTH) if name else None,
        content={
            "digest": listed.digest,
            "rows": [row.plain() for row in listed.rows],
            "rejected": [each.plain() for each in listed.rejected],
        },
        sent_by=actor.person_id,
        sent_at=now,
        expires_at=now + upload.KEPT,
    )
    session.add(kept)
    session.flush()
    return kept


def kept_list(kept: Upload) -> SiteList:
    """The list again, as it was read."""
    content = kept.content
    rows, rejected = map(SiteRow.read, content["rows"]), map(RejectedRow.read, content["rejected"])
    return SiteList(content["digest"], tuple(rows), tuple(rejected))
