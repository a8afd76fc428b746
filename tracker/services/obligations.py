"""Keeps the customer's duties and the freezes in line with the dates they hang on. Use cases share it; no edge calls it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from tracker.catalog import loader
from tracker.domain.access import Actor
from tracker.domain.duty import DUTIES, OF_ENGAGEMENT, OF_SITE, RECEIVED, WITH_ITS_DATE, DutyState
from tracker.domain.freeze import KIND_OF_DATE, OVER_AT, FreezeAnswer, FreezeKind
from tracker.domain.workday import Calendar
from tracker.store import audit
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import freeze as freezes
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.duty import Duty
from tracker.store.engagement import Engagement
from tracker.store.freeze import Freeze
from tracker.store.requirements import Signature
from tracker.store.site import Site

Place = tuple[UUID | None, str]


def align(
    session: AnySession,
    engagement: Engagement,
    dated: Sequence[Deadline],
    listed: Sequence[Site],
    catalogue_version: int | None,
    *,
    now: datetime,
) -> None:
    """Make the duties and freezes that are missing, hang them on their dates, and end the freezes that are over.

    A fixed number of statements, however many sites. The caller holds the engagement's dates (`planning.take`).
    """
    by_place: dict[Place, Deadline] = {(each.site_id, each.kind): each for each in dated}
    known = {(each.site_id, each.kind): each for each in duties.all_of(session, engagement.id)}
    if engagement.type == "managed":
        places: list[Place] = [(None, kind) for kind in OF_ENGAGEMENT]
        places += [(site.id, kind) for site in listed if site.stage != "withdrawn" for kind in OF_SITE]
        titles = _titles(catalogue_version)
        missing = {place: _duty(engagement.id, place, titles, now) for place in places if place not in known}
        session.add_all(missing.values())
        known |= missing
    for (site_id, kind), duty in known.items():
        _hang(duty, by_place.get((site_id, DUTIES[kind].deadline)))
    _align_freezes(session, engagement, dated, {site.id: site for site in listed}, now)
    session.flush()


def begin_sites(session: AnySession, engagement: Engagement, listed: Iterable[Site], *, now: datetime) -> None:
    """The duties of sites that have just been listed; they have no dates yet."""
    if engagement.type != "managed":
        return
    agreement = engagements.agreement_of(session, engagement.id)
    titles = _titles(agreement.catalogue_version if agreement else None)
    session.add_all(_duty(engagement.id, (site.id, kind), titles, now) for site in listed for kind in OF_SITE)
    session.flush()


def _titles(catalogue_version: int | None) -> Mapping[str, str]:
    catalogue = loader.newest() if catalogue_version is None else loader.catalogue(catalogue_version)
    return {kind: catalogue.duties[kind].title for kind in DUTIES}


def _duty(engagement_id: UUID, place: Place, titles: Mapping[str, str], now: datetime) -> Duty:
    site_id, kind = place
    return Duty(
        engagement_id=engagement_id,
        site_id=site_id,
        kind=kind,
        title=titles[kind],
        state=DutyState.OPEN,
        evidence="",
        created_at=now,
    )


def _hang(duty: Duty, date: Deadline | None) -> None:
    """Hang a duty on its date; of two that have not met before, what is done finishes the other."""
    if date is None:
        duty.deadline_id = None
        return
    is_new = duty.deadline_id != date.id
    duty.deadline_id = date.id
    # Reminders mention whoever the duty belongs to.
    date.owner_id = date.owner_id or duty.owner_id
    if not DUTIES[duty.kind].finishes_date:
        return
    if date.done_at is not None and duty.state == DutyState.OPEN:
        _complete(duty, WITH_ITS_DATE, date.done_by, date.done_at)
    elif is_new and duty.state == DutyState.DONE and date.done_at is None:
        date.done_at, date.done_by = duty.done_at, duty.done_by


def _align_freezes(
    session: AnySession, engagement: Engagement, dated: Iterable[Deadline], listed: Mapping[UUID, Site], now: datetime
) -> None:
    """A freeze for each date of one; those of which the site is past, or whose end has come, are over."""
    latest: dict[tuple[UUID, str], Freeze] = {}
    for freeze in freezes.all_of(session, engagement.id):
        latest[freeze.site_id, freeze.kind] = freeze
        if freeze.ended_at is None:
            freeze.ended_at = _ended(freeze, listed[freeze.site_id], now)
    signed: Mapping[UUID, Signature] | None = None
    for date in dated:
        kind = KIND_OF_DATE.get(date.kind)
        if kind is None or date.site_id is None or listed[date.site_id].stage in OVER_AT[kind]:
            continue
        last = latest.get((date.site_id, kind))
        if last is None or (last.ended_at is not None and _starts(date, engagement) > last.ended_at):
            signed = freezes.signatures_of(session, engagement.id) if signed is None else signed
            session.add(_freeze(date, kind, signed.get(date.site_id), now))


def _ended(freeze: Freeze, site: Site, now: datetime) -> datetime | None:
    if freeze.ends_at is not None and freeze.ends_at <= now:
        return freeze.ends_at
    return now if site.stage in OVER_AT[FreezeKind(freeze.kind)] else None


def _starts(date: Deadline, engagement: Engagement) -> datetime:
    return date.dates.starts_at(Calendar(engagement.time_zone))


def _freeze(date: Deadline, kind: FreezeKind, signed: Signature | None, now: datetime) -> Freeze:
    """A freeze that begins on a date. Who signed for the site's freezes before has answered this one."""
    return Freeze(
        engagement_id=date.engagement_id,
        site_id=date.site_id,
        kind=kind,
        deadline_id=date.id,
        answer=FreezeAnswer.FREEZE if signed else None,
        answered_by=signed.signed_by if signed else None,
        answered_at=signed.signed_at if signed else None,
        created_at=now,
    )


def _complete(duty: Duty, evidence: str, by: UUID | None, at: datetime) -> None:
    duty.state, duty.done_at, duty.done_by, duty.waived_reason = DutyState.DONE, at, by, None
    duty.evidence = evidence
    duty.version += 1


def complete(session: AnySession, actor: Actor, duty: Duty, evidence: str, *, now: datetime) -> None:
    """A duty is done, and with it its date: reminders stop. The caller plans them anew."""
    _complete(duty, evidence, actor.person_id, now)
    date = _date_of(session, duty)
    if date is not None and date.done_at is None:
        date.done_at, date.done_by = now, actor.person_id
        date.version += 1
    record(session, actor, duty)


def open_again(session: AnySession, actor: Actor, duty: Duty) -> None:
    """A duty is to be done after all, and so is its date."""
    duty.state, duty.done_at, duty.done_by, duty.waived_reason, duty.evidence = DutyState.OPEN, None, None, None, ""
    duty.version += 1
    date = _date_of(session, duty)
    if date is not None and date.done_at is not None:
        date.done_at = date.done_by = None
        date.version += 1
    record(session, actor, duty)


def waive(session: AnySession, actor: Actor, duty: Duty, reason: str) -> None:
    """Nobody has to do it, and nobody is reminded. Its date stays: work may hang on it."""
    duty.state, duty.waived_reason, duty.done_at, duty.done_by = DutyState.WAIVED, reason, None, None
    duty.version += 1
    record(session, actor, duty)


def _date_of(session: AnySession, duty: Duty) -> Deadline | None:
    if duty.deadline_id is None or not DUTIES[duty.kind].finishes_date:
        return None
    return session.get(Deadline, duty.deadline_id)


def follow_date(session: AnySession, actor: Actor, date: Deadline) -> None:
    """A date was finished or opened again: so is the duty that hangs on it."""
    duty = duties.of_deadline(session, date.id)
    if duty is None or not DUTIES[duty.kind].finishes_date:
        return
    if date.done_at is not None and duty.state != DutyState.DONE:
        _complete(duty, f"{RECEIVED} {WITH_ITS_DATE}" if actor.is_staff else WITH_ITS_DATE, actor.person_id, date.done_at)
        record(session, actor, duty)
    elif date.done_at is None and duty.state == DutyState.DONE:
        open_again(session, actor, duty)


def complete_of_site(session: AnySession, actor: Actor, site: Site, kind: str, evidence: str, *, now: datetime) -> None:
    """Something else has shown that a site's duty is done: an answer, a sign-off, a signature."""
    duty = duties.one(session, site.engagement_id, site.id, kind)
    if duty is not None and duty.state != DutyState.DONE:
        complete(session, actor, duty, evidence, now=now)


def record(session: AnySession, actor: Actor, duty: Duty) -> None:
    """Note in the audit trail how a duty stands now."""
    said = {
        "kind": duty.kind,
        "state": duty.state,
        "evidence": duty.evidence,
        "owner_id": duty.owner_id,
        "reason": duty.waived_reason,
    }
    audit.record(session, actor, duty.engagement_id, f"duty.{duty.state}", ("duty", duty.id), said)
