"""Book hours from a file: tried first, all good rows in one unit, and the same file again changes nothing, for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid, TrackerError
from tracker.domain.rejected_row import RejectedRow, harmless
from tracker.domain.time_entry import Work
from tracker.domain.time_import import Change, EntryRow, key_of, numbers_of, reject, with_copy
from tracker.intake.time_entries import EntryFile
from tracker.services.booking import Origin, book
from tracker.services.time_row import Ground
from tracker.store import audit, hours_upload, time_sheet
from tracker.store import budget as budgets
from tracker.store.database import AnySession
from tracker.store.hours_upload import HoursUpload
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import rehearsal

FILE_NAME_LENGTH = 200


@dataclass(frozen=True)
class AcceptedRow:
    """A good row: the entry it is, that entry's state, and what to look at again. Tried only, a new one has no id yet."""

    row: int
    change: Change
    id: UUID | None
    state: str
    site_id: UUID
    minutes: int
    warning: str | None = None


@dataclass(frozen=True)
class Room:
    """What a budget of a site has left after the file, in minutes."""

    kind: str
    left: int
    limit: int


@dataclass(frozen=True)
class SiteHours:
    """What a file brings to one site, in minutes, and what that leaves."""

    site_id: UUID
    name: str
    engagement: str
    minutes: int
    rooms: tuple[Room, ...]


@dataclass(frozen=True)
class Outcome:
    """What a file of hours does, done or only tried."""

    accepted: tuple[AcceptedRow, ...]
    rejected: tuple[RejectedRow, ...]
    sites: tuple[SiteHours, ...]

    @property
    def new(self) -> list[AcceptedRow]:
        return [each for each in self.accepted if each.change is Change.NEW]


def try_file(session: AnySession, actor: Actor, file: EntryFile, *, split: bool = False, now: datetime) -> Outcome:
    """Say what a file would do, by doing it and taking it back: what is left is counted row by row. Raises NotAllowed."""
    with rehearsal(session):
        outcome = _carry_out(session, actor, file, split, now)
    return replace(
        outcome, accepted=tuple(replace(each, id=None) if each.change is Change.NEW else each for each in outcome.accepted)
    )


def import_file(session: AnySession, actor: Actor, file: EntryFile, *, split: bool = False, now: datetime) -> Outcome:
    """Book the good rows as drafts, each by the one booking path; the bad ones are told and hold up nothing.

    With `split`, what does not fit its budget goes on along the draw order, as far as a row does not say otherwise.
    """
    return _carry_out(session, actor, file, split, now)


@dataclass(frozen=True)
class _Stated:
    """A row whose site and person are found: the work, and the entry that it names by its id."""

    row: EntryRow
    work: Work
    entry: TimeEntry | None


def _carry_out(session: AnySession, actor: Actor, file: EntryFile, split: bool, now: datetime) -> Outcome:
    actor.must(Permission.LOG_TIME)
    ground = Ground.of(session, actor, file.rows)
    rejected, stated = list(file.rejected), []
    for row in file.rows:
        try:
            stated.append(_Stated(row, *ground.understand(row)))
        except TrackerError as error:
            rejected.append(reject(row, error))
    # Others who import the same now wait here, and find below what this unit has booked.
    # Budgets come before the engagement, as in a booking that reaches a level: nobody waits crosswise.
    budgets.hold_all(session, {(ground.sites[each.work.site_id][1].id, each.work.site_id) for each in stated})
    numbers = numbers_of([(each.row, each.work) for each in stated])
    keys = [key_of(each.work, number) for each, number in zip(stated, numbers, strict=True)]
    there, seen = time_sheet.imported(session, keys), dict[str, int]()
    accepted: list[AcceptedRow] = []
    for each, number, key in zip(stated, numbers, keys, strict=True):
        try:
            earlier = seen.setdefault(key, each.row.row)
            if earlier != each.row.row and each.entry is None:
                raise Invalid.at("copy", f"Row {earlier} is this one of several alike already. Number them, or leave it empty.")
            accepted.append(_known(each, there.get(key)) or _book(session, actor, each, key, split, now))
        except TrackerError as error:
            rejected.append(with_copy(reject(each.row, error), number))
    outcome = Outcome(
        tuple(sorted(accepted, key=lambda each: each.row)),
        tuple(sorted(rejected, key=lambda each: each.row)),
        _site_hours(session, ground, accepted),
    )
    _note(session, actor, file, outcome, ground)
    return outcome


def _known(stated: _Stated, imported: tuple[UUID, str] | None) -> AcceptedRow | None:
    """The row as the entry that it is already: by its id, or because the same row was imported before."""
    entry = stated.entry
    found = (entry.id, entry.state) if entry is not None else imported
    if found is None:
        return None
    return AcceptedRow(stated.row.row, Change.THERE, *found, stated.work.site_id, stated.work.minutes)


def _book(session: AnySession, actor: Actor, stated: _Stated, key: str, split: bool, now: datetime) -> AcceptedRow:
    row = stated.row
    if not row.holds_hours:
        state = row.said["state"]
        raise Invalid.at("state", f"It is {state} where it comes from, so it holds no hours: there is nothing to book.")
    booked = book(session, actor, stated.work, split=row.said.get("split", split), origin=Origin(import_key=key), now=now)
    entry = booked[0].entry
    return AcceptedRow(row.row, Change.NEW, entry.id, entry.state, entry.site_id, stated.work.minutes, booked[0].warning)


def _site_hours(session: AnySession, ground: Ground, accepted: Sequence[AcceptedRow]) -> tuple[SiteHours, ...]:
    """What the new rows bring to each site and what is left there, in one statement."""
    minutes: dict[UUID, int] = {}
    for each in accepted:
        if each.change is Change.NEW:
            minutes[each.site_id] = minutes.get(each.site_id, 0) + each.minutes
    payers = budgets.of_sites(session, [(ground.sites[site_id][1].id, site_id) for site_id in minutes]) if minutes else {}
    return tuple(
        SiteHours(
            site_id,
            ground.sites[site_id][0].name,
            ground.sites[site_id][1].name,
            total,
            tuple(Room(each.kind, each.balance.left, each.limit_minutes) for each in payers[site_id] if each.limit_minutes),
        )
        for site_id, total in minutes.items()
    )


def _note(session: AnySession, actor: Actor, file: EntryFile, outcome: Outcome, ground: Ground) -> None:
    """Note the file in the trail of each engagement that it brings hours to."""
    counts: dict[UUID, int] = {}
    for each in outcome.new:
        engagement_id = ground.sites[each.site_id][1].id
        counts[engagement_id] = counts.get(engagement_id, 0) + 1
    for engagement_id, number in counts.items():
        said = {"new": number, "digest": file.digest}
        audit.record(session, actor, engagement_id, "time_entries.imported", ("engagement", engagement_id), said)


# --- a file between its preview and its import ------------------------------------------------------------------------


def keep_file(
    session: AnySession, actor: Actor, file: EntryFile, *, split: bool, now: datetime, name: str | None = None
) -> HoursUpload:
    """Keep what was read of a file, with what it would do, for its preview. Raises NotAllowed."""
    outcome = try_file(session, actor, file, split=split, now=now)
    assert actor.person_id is not None
    kept = HoursUpload(
        file_name=harmless(name, FILE_NAME_LENGTH) if name else None,
        content={
            "digest": file.digest,
            "rows": [row.plain() for row in file.rows],
            "rejected": [each.plain() for each in file.rejected],
            "split": split,
            "outcome": _plain(outcome),
        },
        sent_by=actor.person_id,
        sent_at=now,
        expires_at=now + hours_upload.KEPT,
    )
    session.add(kept)
    session.flush()
    return kept


def try_kept(session: AnySession, actor: Actor, upload_id: UUID, *, split: bool, now: datetime) -> HoursUpload:
    """Try a kept file again, with what does not fit split or not. Raises NotFound."""
    kept = hours_upload.get(session, actor, upload_id, for_update=True)
    outcome = try_file(session, actor, _kept_file(kept), split=split, now=now)
    kept.content = kept.content | {"split": split, "outcome": _plain(outcome)}
    return kept


def import_kept(session: AnySession, actor: Actor, upload_id: UUID, *, now: datetime) -> HoursUpload:
    """Book the good rows of a kept file, and keep what came of it in place of what was tried. Raises NotFound."""
    kept = hours_upload.get(session, actor, upload_id, for_update=True)
    outcome = import_file(session, actor, _kept_file(kept), split=kept.content["split"], now=now)
    kept.content = kept.content | {"outcome": _plain(outcome)}
    kept.imported_at = now
    return kept


def outcome_of(kept: HoursUpload) -> Outcome:
    """What a kept file would do, or has done."""
    return _read(kept.content["outcome"])


def rows_of(kept: HoursUpload) -> dict[int, EntryRow]:
    """The rows of a kept file by their number."""
    return {row.row: row for row in map(EntryRow.read, kept.content["rows"])}


def _kept_file(kept: HoursUpload) -> EntryFile:
    rejected = map(RejectedRow.read, kept.content["rejected"])
    return EntryFile(kept.content["digest"], tuple(rows_of(kept).values()), tuple(rejected))


def _plain(outcome: Outcome) -> dict[str, Any]:
    """For keeping as JSON."""
    return {
        "accepted": [
            [each.row, each.change.value, each.id and str(each.id), each.state, str(each.site_id), each.minutes, each.warning]
            for each in outcome.accepted
        ],
        "rejected": [each.plain() for each in outcome.rejected],
        "sites": [
            [
                str(each.site_id),
                each.name,
                each.engagement,
                each.minutes,
                [[room.kind, room.left, room.limit] for room in each.rooms],
            ]
            for each in outcome.sites
        ],
    }


def _read(kept: Mapping[str, Any]) -> Outcome:
    """As `_plain` wrote it."""
    accepted = [
        AcceptedRow(row, Change(change), entry_id and UUID(entry_id), state, UUID(site_id), minutes, warning)
        for row, change, entry_id, state, site_id, minutes, warning in kept["accepted"]
    ]
    sites = [
        SiteHours(UUID(site_id), name, engagement, minutes, tuple(Room(*room) for room in rooms))
        for site_id, name, engagement, minutes, rooms in kept["sites"]
    ]
    return Outcome(tuple(accepted), tuple(map(RejectedRow.read, kept["rejected"])), tuple(sites))
