"""The timeline as a page shows it: bars in thousandths, and the same in words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from tracker.domain.deadline import DeadlineKind
from tracker.domain.timeline import DatedKind, Span, Stretch, span_of, stretches_of
from tracker.store.deadline import Deadline
from tracker.store.site import Site
from tracker.web.dates import DateView
from tracker.web.present import Shown

NAMES: Mapping[DeadlineKind, str] = {
    DeadlineKind.CODE_FREEZE: "Code freeze",
    DeadlineKind.UAT: "UAT",
    DeadlineKind.CONTENT_FREEZE: "Content freeze",
    DeadlineKind.DNS_CUTOVER: "DNS cutover",
}
LANES_SHOWN = 12


def timeline_of(sites: Sequence[Site], dated: Iterable[Deadline], view: DateView) -> Shown | None:
    """One lane for each site that has not left; None while no site has a date to draw."""
    by_site: dict[UUID | None, list[Deadline]] = {}
    for deadline in dated:
        by_site.setdefault(deadline.site_id, []).append(deadline)
    lanes = [(site, _stretches(by_site.get(site.id, []), view)) for site in sites if site.stage != "withdrawn"]
    if not any(stretches for _site, stretches in lanes):
        return None
    kickoff = next((each.day for each in by_site.get(None, []) if each.kind == DeadlineKind.KICKOFF), None)
    span = span_of((stretches for _site, stretches in lanes), also=[kickoff] if kickoff else [], today=view.today)
    rows = [_lane(site, stretches, span, view.today) for site, stretches in lanes]
    return Shown(
        lanes=rows[:LANES_SHOWN],
        more=rows[LANES_SHOWN:],
        ticks=[_say_short(day) for day in span.ticks],
        lines=[span.place(day) for day in span.ticks[1:]],
        weekends=[span.place(day) for day in _saturdays(span)],
        weekend_width=span.place(span.first.fromordinal(span.first.toordinal() + 2)),
        today=span.place(view.today),
        today_label=f"today, {_say_short(view.today)}",
        kickoff=f"kick-off {_say_short(kickoff)}" if kickoff else None,
    )


def _stretches(dated: Sequence[Deadline], view: DateView) -> list[Stretch]:
    known = [DatedKind(DeadlineKind(each.kind), each.day, each.opens_on) for each in dated if each.kind in NAMES]
    done = next((each.done_at for each in dated if each.kind == DeadlineKind.DNS_CUTOVER), None)
    launched_on = done.astimezone(ZoneInfo(view.engagement.time_zone)).date() if done else None
    return stretches_of(known, launched_on=launched_on, today=view.today)


def _lane(site: Site, stretches: Sequence[Stretch], span: Span, today: date) -> Shown:
    return Shown(
        name=site.name,
        href=f"/sites/{site.id}",
        bars=[Shown(kind=each.kind.value, x=span.place(each.first), width=span.width(each)) for each in stretches],
        words=[Shown(kind=each.kind.value, text=_say(each), is_now=each.first <= today <= each.last) for each in stretches],
    )


def _say(stretch: Stretch) -> str:
    if stretch.is_open:
        return f"{NAMES[stretch.kind]} from {_say_short(stretch.first)} to the launch"
    if stretch.first == stretch.last:
        return f"{NAMES[stretch.kind]} {_say_short(stretch.first)}"
    return f"{NAMES[stretch.kind]} {_say_short(stretch.first)} – {_say_short(stretch.last)}"


def _say_short(day: date) -> str:
    return f"{day:%-d %b}"


def _saturdays(span: Span) -> list[date]:
    """The Saturdays of a span short enough for its weekends to be told apart."""
    days = [span.first.fromordinal(number) for number in range(span.first.toordinal(), span.last.toordinal() + 1)]
    return [day for day in days if day.weekday() == 5] if len(days) <= 120 else []
