"""One cell of the week: what was typed in it becomes one step of one unit of work, and is answered on its own.

A cell that is refused undoes no other: each is a unit under a request key of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy.exc import IntegrityError, OperationalError

from tracker.clock import utc_now
from tracker.domain.access import Actor
from tracker.domain.budget import BudgetExceeded, rooms_for, ways_on
from tracker.domain.duration import DurationError, parse_minutes, say_minutes
from tracker.domain.errors import EditedMeanwhile, Invalid, RuleViolation
from tracker.domain.week import Cell, RowKey
from tracker.edge.fault import CROSSED, STATUS, say_database_fault
from tracker.edge.refusal import Refusal
from tracker.edge.work import work
from tracker.services import time_entry as service
from tracker.services.time_entry import DraftChange
from tracker.store import budget as budgets
from tracker.store import site as sites
from tracker.store import week as weeks
from tracker.store.database import db
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import Repeated, RequestKey


@dataclass(frozen=True)
class Seen:
    """What a cell held when it was shown: one draft in the version that was read, or nothing."""

    entry_id: UUID
    version: int
    minutes: int

    @classmethod
    def read(cls, text: str) -> "Seen | None":
        """Read what `text` wrote. Raises Invalid."""
        if not text:
            return None
        try:
            entry_id, version, minutes = text.split("~")
            return cls(UUID(entry_id), int(version), int(minutes))
        except ValueError:
            raise Invalid.at("seen", "There is no such cell. Load the page again.") from None

    @staticmethod
    def text(cell: Cell) -> str:
        """How a form carries it."""
        draft = cell.draft
        return f"{draft.id}~{draft.version}~{draft.minutes}" if draft else ""


@dataclass(frozen=True)
class CellChange:
    """What somebody typed in one cell. `split` is the way on that they chose after a refusal."""

    key: RowKey
    day: date
    typed: str
    seen: Seen | None
    split: bool = False

    @property
    def changes(self) -> bool:
        """Whether it says anything else than what was shown."""
        shown = say_minutes(self.seen.minutes) if self.seen else ""
        if self.typed.strip() in (shown, ""):
            return self.typed.strip() != shown
        try:
            return self.seen is None or parse_minutes(self.typed) != self.seen.minutes
        except DurationError:
            return True

    def request_key(self, actor: Actor, key: str) -> RequestKey:
        """What makes it the same change when it comes again. Another one on the same page has a key of its own."""
        said = (self.key.text, self.day.isoformat(), self.typed, str(self.seen), str(self.split))
        print_of_it = RequestKey.of("week", key, *said).fingerprint
        return RequestKey(f"form:{actor.person_id}", f"{key}:{print_of_it}", print_of_it)


@dataclass(frozen=True)
class Outcome:
    """What became of a change: saved, perhaps with a warning, or why not and the ways on."""

    typed: str
    status: int = 200
    message: str | None = None
    warning: str | None = None
    refusal: Refusal | None = None
    ps_url: str | None = None
    change_url: str | None = None


# What became of the cells that were sent, by row and day.
Outcomes = Mapping[tuple[RowKey, date], Outcome]


def carry_out(actor: Actor, change: CellChange, key: str) -> Outcome:
    """Save one cell. Raises NotFound and NotAllowed; every other fault is the outcome."""
    try:
        minutes = parse_minutes(change.typed) if change.typed.strip() else None
        with work(change.request_key(actor, key)) as unit:
            warning = _step(actor, change, minutes)
            unit.remember({"warning": warning})
    except DurationError as error:
        return Outcome(change.typed, 422, error.message)
    except Repeated as repeated:
        return Outcome(change.typed, warning=repeated.response.get("warning"))
    except BudgetExceeded as error:
        return _refused(actor, change, error)
    except (Invalid, RuleViolation) as error:
        return Outcome(change.typed, STATUS[error.code], error.message)
    except IntegrityError:
        return Outcome(change.typed, 409, CROSSED)
    except OperationalError as error:
        return Outcome(change.typed, 503, say_database_fault(error))
    return Outcome(change.typed, warning=warning)


def _step(actor: Actor, change: CellChange, minutes: int | None) -> str | None:
    """Book, mend or reverse; return what should be looked at again. Raises what these raise, and EditedMeanwhile."""
    now, seen = utc_now(), change.seen
    assert actor.person_id is not None
    held = weeks.in_cell(db.session, actor.person_id, change.key, change.day)
    _check_as_seen(held, seen)
    if seen is None:
        if minutes is None:
            return None
        stated = change.key.work(change.day, minutes)
        return service.book(db.session, actor, stated, split=change.split, now=now)[0].warning
    if minutes is None:
        service.reverse(db.session, actor, seen.entry_id, None, now=now)
        return None
    if change.split:
        # A draft stays one entry on one budget, so a split is its reversal and the work anew, in this one unit.
        service.reverse(db.session, actor, seen.entry_id, "Split over several budgets.", now=now)
        stated = change.key.work(change.day, minutes, held[0].note)
        return service.book(db.session, actor, stated, split=True, now=now)[0].warning
    mended = DraftChange({"minutes": minutes}, seen.version)
    return service.mend(db.session, actor, seen.entry_id, mended, now=now).warning


def _check_as_seen(held: list[TimeEntry], seen: Seen | None) -> None:
    """Raises EditedMeanwhile where the cell holds something else than what was on the screen."""
    expected = [(seen.entry_id, seen.version)] if seen else []
    if [(entry.id, entry.version) for entry in held] != expected:
        total = sum(entry.minutes for entry in held)
        holds = say_minutes(total) if total else "nothing"
        said = f"This was changed meanwhile and holds {holds} now. What you typed is kept: save it again to replace it."
        raise EditedMeanwhile(said)


def _refused(actor: Actor, change: CellChange, error: BudgetExceeded) -> Outcome:
    site, engagement = sites.get_with_engagement(db.session, actor, change.key.site_id)
    refusal = Refusal.of(error)
    if change.seen is not None:
        # The draft may be split by taking it back first: what it holds counts as left then.
        payers = budgets.of_site(db.session, engagement.id, site.id)
        left = {kind: budget.balance.left for kind, budget in payers.items()}
        left[error.kind] += change.seen.minutes
        rooms = rooms_for(error.kind, left)
        anew = BudgetExceeded(error.kind, left[error.kind], ways_on(parse_minutes(change.typed), rooms))
        refusal = replace(Refusal.of(anew), message=error.message)
    return Outcome(
        change.typed,
        STATUS[error.code],
        refusal.message,
        refusal=refusal,
        ps_url=refusal.ps_url(actor, engagement.id),
        change_url=refusal.change_url(engagement.id, site.id),
    )
