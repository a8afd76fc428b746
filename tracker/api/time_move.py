"""Time entries to another budget: what a move would do, and the move, of one entry or of several together."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Out, Query
from tracker.api.time_bulk import MOST_AT_ONCE
from tracker.api.time_entry import TimeEntryOut, entries_out
from tracker.domain.access import Permission
from tracker.domain.budget import Balance, BudgetExceeded, WorkKind
from tracker.services import move_preview
from tracker.services import time_entry as service
from tracker.services.move_preview import Change, Preview
from tracker.services.time_entry import Target

api = Api("time_move")


class MoveIn(In):
    kind: WorkKind
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    split: bool = False


class ManyMovedIn(MoveIn):
    ids: list[UUID] = Field(min_length=1, max_length=MOST_AT_ONCE)


class MoveQuery(Query):
    kind: WorkKind
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    split: bool = False


class BalanceOut(Out):
    limit_minutes: int
    used_minutes: int
    held_minutes: int
    left_minutes: int


class BudgetChangeOut(Out):
    budget_id: UUID
    kind: str
    site_id: UUID | None
    before: BalanceOut
    after: BalanceOut | None = Field(description="null where nothing would move.")


class PartOut(Out):
    entry_id: UUID
    kind: str = Field(description="The budget that would pay.")
    minutes: int


class WayOut(Out):
    action: str = Field(description="split, buy_ps or change_request")
    kind: str
    minutes: int


class MissingOut(Out):
    field: str
    message: str


class MovePreviewOut(Out):
    fits: bool
    code: str | None = Field(description="Why nothing would move, as the move would answer it.")
    message: str | None
    entry_id: UUID | None = Field(description="The entry that stands in the way.")
    left_minutes: int | None
    options: list[WayOut]
    missing: list[MissingOut] = Field(description="What the move still has to say, such as ps_kind for PS work.")
    balances: list[BudgetChangeOut]
    parts: list[PartOut]


class ManyMovedOut(Out):
    items: list[TimeEntryOut]


def _target(said: MoveIn | MoveQuery) -> Target:
    return Target(said.kind, said.activity, said.known_issue_id, said.ps_kind)


def _balance(balance: Balance) -> BalanceOut:
    return BalanceOut(
        limit_minutes=balance.limit, used_minutes=balance.used, held_minutes=balance.held, left_minutes=balance.left
    )


def _change(change: Change) -> BudgetChangeOut:
    return BudgetChangeOut(
        budget_id=change.budget.id,
        kind=change.budget.kind,
        site_id=change.budget.site_id,
        before=_balance(change.before),
        after=_balance(change.after) if change.after else None,
    )


def preview_out(looked: Preview) -> MovePreviewOut:
    refused = looked.refused
    over = refused.cause if refused and isinstance(refused.cause, BudgetExceeded) else None
    return MovePreviewOut(
        fits=refused is None,
        code=refused.code if refused else None,
        message=refused.message if refused else None,
        entry_id=refused.entry_id if refused else None,
        left_minutes=over.left if over else None,
        options=[WayOut(action=way.action, kind=way.kind, minutes=way.minutes) for way in over.options] if over else [],
        missing=[MissingOut(field=fault.field, message=fault.message) for fault in looked.missing],
        balances=[_change(change) for change in looked.changes],
        parts=[
            PartOut(entry_id=entry_id, kind=part.kind, minutes=part.minutes)
            for entry_id, parts in looked.parts.items()
            for part in parts
        ],
    )


@api.get("/time-entries/<uuid:entry_id>/move", Permission.LOG_TIME)
def preview_move(call: Call, entry_id: UUID, query: MoveQuery) -> MovePreviewOut:
    """What a move would do: both balances before and after, whether it fits, and the lawful ways on where it does not."""
    looked = move_preview.preview(call.session, call.actor, [entry_id], _target(query), split=query.split, now=call.now)
    return preview_out(looked)


@api.post("/time-entries/<uuid:entry_id>/move", Permission.LOG_TIME)
def move_time_entry(call: Call, entry_id: UUID, body: MoveIn) -> TimeEntryOut:
    """Let another budget pay: the entry is reversed and a new one stands where it stood. Answers the new one."""
    moved = service.move(call.session, call.actor, entry_id, _target(body), split=body.split, now=call.now)
    return entries_out(call, [moved[0].entry])[0]


@api.post("/time-entries/move-preview", Permission.APPROVE_TIME, status=200)
def preview_moves(call: Call, body: ManyMovedIn) -> MovePreviewOut:
    """What moving several entries together would do. Changes nothing."""
    return preview_out(move_preview.preview(call.session, call.actor, body.ids, _target(body), split=body.split, now=call.now))


@api.post("/time-entries/move", Permission.APPROVE_TIME)
def move_time_entries(call: Call, body: ManyMovedIn) -> ManyMovedOut:
    """Move several entries in one unit: all, or none. A refusal names the one that stands in the way as `entry_id`."""
    moved: Sequence[service.Booked] = service.move_all(
        call.session, call.actor, body.ids, _target(body), split=body.split, now=call.now
    )
    return ManyMovedOut(items=entries_out(call, [each.entry for each in moved]))
