"""Change requests: what may be asked for, in which words both sides read it, and the states from raised to applied.

Each kind of change is one class and its line in KINDS. A change is a plain value; `Standing` says how things are, so that
a change can be told as before and after, and refused where it no longer fits. Minutes are whole.
Sources: docs/rules/change_request.md, BR-01, BR-05, BR-06, BR-47.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.budget import BUDGET_LABELS, BudgetKind, check_block, entitled
from tracker.domain.deadline import EARLIEST_YEAR, LATEST_YEAR, Dates
from tracker.domain.duration import say_minutes
from tracker.domain.errors import FieldError, Guard, Invalid
from tracker.domain.lifecycle import Lifecycle, Need, Step, open_steps
from tracker.domain.listing import AGREED_FIELDS, DEFAULTS, read_values
from tracker.domain.scope import Decision
from tracker.domain.site import SITE_LIFECYCLE, check_package, check_variant, read_address
from tracker.domain.text import TextError, read_line, read_text

MOST_CHANGES = 20
TITLE_LENGTH, REASON_LENGTH, REFERENCE_LENGTH, ITEM_LENGTH = 200, 2000, 200, 200
LONGEST_ESTIMATE = 600_000  # ten thousand hours
LABELS: Mapping[str, str] = {
    "name": "Name",
    "url": "Address",
    "cms": "System",
    "cms_variant": "Variant",
    "cms_version": "Version",
    "plan": "Plan",
    "package": "Package",
    "premium_option": "Premium extra",
    "upstream_choice": "Code base",
    "network": "Part of a network",
    "multisite_decision": "What becomes of a network",
}
DECISION_LABELS: Mapping[Decision, str] = {
    Decision.INCLUDED: "included",
    Decision.PREMIUM: "the site's Premium extra",
    Decision.PS: "paid by PS hours",
    Decision.OUT_OF_SCOPE: "out of scope",
    Decision.UNDECIDED: "undecided",
    Decision.NOT_APPLICABLE: "not needed here",
}


class RequestState(StrEnum):
    """Where a change request stands."""

    OPEN = "open"
    APPROVED_BY_CUSTOMER = "approved_by_customer"
    APPROVED_BY_TEAM = "approved_by_team"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


UNDECIDED_STATES = (RequestState.OPEN, RequestState.APPROVED_BY_CUSTOMER, RequestState.APPROVED_BY_TEAM)
DECIDED_STATES = (RequestState.APPLIED, RequestState.REJECTED, RequestState.WITHDRAWN)
ESTIMATED = Need("estimate", "The team has not said yet how much time it takes. It is approved once that is known.", "BR-47")
ENDS = (Step("rejected"), Step("withdrawn"))
REQUEST_LIFECYCLE: Lifecycle = {
    "open": (Step("approved_by_customer", (ESTIMATED,)), Step("approved_by_team", (ESTIMATED,)), *ENDS),
    # An edit clears what was approved: it was given to something else.
    "approved_by_customer": (Step("applied", (ESTIMATED,)), Step("open"), *ENDS),
    "approved_by_team": (Step("applied", (ESTIMATED,)), Step("open"), *ENDS),
    "applied": (),
    "rejected": (),
    "withdrawn": (),
}


class Side(StrEnum):
    """The two who have to agree."""

    CUSTOMER = "customer"
    TEAM = "team"


def side_of(actor: Actor) -> Side | None:
    """For whom somebody may approve or reject; nobody approves for the other side (BR-49)."""
    if actor.may(Permission.EDIT_ENGAGEMENT):
        return Side.TEAM
    return Side.CUSTOMER if actor.may(Permission.SIGN) else None


def may_edit(actor: Actor, state: str, raised_by: UUID) -> bool:
    """Managers may as long as it is undecided; whoever raised it, as long as nobody has approved it."""
    if state not in UNDECIDED_STATES or not actor.may(Permission.ANSWER):
        return False
    return actor.may(Permission.EDIT_ENGAGEMENT) or (raised_by == actor.person_id and state == RequestState.OPEN)


def may_withdraw(actor: Actor, state: str, raised_by: UUID) -> bool:
    """Whoever raised it takes it back, and managers do, until it is decided."""
    return state in UNDECIDED_STATES and (
        actor.may(Permission.EDIT_ENGAGEMENT) or (raised_by == actor.person_id and actor.may(Permission.ANSWER))
    )


def approval_leads_to(state: str, side: Side) -> str:
    """The state after a side's yes: applied where the other side has said it before."""
    other = RequestState.APPROVED_BY_TEAM if side is Side.CUSTOMER else RequestState.APPROVED_BY_CUSTOMER
    return RequestState.APPLIED if state == other else f"approved_by_{side}"


def waits_for(state: str, estimate_minutes: int | None) -> Side | None:
    """Whose turn it is; nobody's once it is decided."""
    if state not in UNDECIDED_STATES:
        return None
    if state == RequestState.OPEN:
        return Side.TEAM
    if estimate_minutes is None or state == RequestState.APPROVED_BY_CUSTOMER:
        return Side.TEAM
    return Side.CUSTOMER


def check_estimate(minutes: int) -> None:
    """Raises Invalid at `estimate_minutes`; nothing at all is an estimate too."""
    if not 0 <= minutes <= LONGEST_ESTIMATE:
        raise Invalid.at("estimate_minutes", "Write from 0 up to 10,000 hours.")


@dataclass(frozen=True)
class Standing:
    """How the things stand that changes speak of, as plain values."""

    requirements_version: int = 0
    sites: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)  # name, stage and what the requirements list
    dates: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)  # title, site_id, said, done
    scope: Mapping[tuple[UUID | None, str], str] = field(default_factory=dict)  # decisions
    titles: Mapping[str, str] = field(default_factory=dict)  # of the catalogue's items
    say_moment: Callable[[datetime], str] = str

    def site_name(self, site_id: UUID | None) -> str:
        return str(self.sites[site_id]["name"]) if site_id is not None and site_id in self.sites else "the whole engagement"


@dataclass(frozen=True)
class Shift:
    """One thing before and after; without a before it is new."""

    label: str
    before: str | None
    after: str


Listed = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Change(ABC):
    """One change. What is left out of it stays as it is."""

    kind: ClassVar[str]
    label: ClassVar[str]

    def check(self) -> None:
        """Raises Invalid naming every field that cannot stand; most kinds have nothing to add."""
        return

    def fits(self, standing: Standing) -> None:
        """Raises Invalid for a thing that is not there, Guard where the change cannot be made as things stand."""
        del standing

    @abstractmethod
    def say(self, standing: Standing) -> str:
        """What will be done, in a sentence for the customer."""

    def shifts(self, standing: Standing) -> list[Shift]:
        """What is otherwise afterwards."""
        del standing
        return []

    def relist(self, listed: list[Listed]) -> list[Listed]:
        """The sites of the agreed requirements as they are listed afterwards."""
        return listed


@dataclass(frozen=True, kw_only=True)
class AddSite(Change):
    """Another site, as a site is listed (BR-01)."""

    kind, label = "add_site", "Another site"
    name: str
    url: str
    cms: str = "wordpress"
    cms_variant: str | None = None
    cms_version: str | None = None
    plan: str | None = None
    package: str = "standard"
    premium_option: str | None = None
    upstream_choice: str | None = None
    network: bool | None = None
    multisite_decision: str | None = None

    def values(self) -> dict[str, Any]:
        return asdict(self)

    def check(self) -> None:
        read_values(DEFAULTS | self.values())
        check_package(self.package, self.premium_option)
        check_variant(self.cms, self.cms_variant)

    def fits(self, standing: Standing) -> None:
        if standing.requirements_version == 0:
            raise Guard(
                "The requirements are not agreed yet, so a further site needs no change request: add it to the list of sites.",
                rule="BR-01",
                missing=["requirements_agreed"],
            )
        _must_be_new(self.url, standing, None)

    def say(self, standing: Standing) -> str:
        del standing
        hours = " and ".join(say_minutes(minutes) for minutes in entitled(self.package, self.premium_option).values())
        return f"{self.name} ({self.url}) is added to the agreed sites, on the {self.package.capitalize()} package, with {hours}."

    def shifts(self, standing: Standing) -> list[Shift]:
        del standing
        named = {name: value for name, value in self.values().items() if value is not None}
        return [Shift(LABELS[name], None, say_value(value)) for name, value in named.items()]

    def relist(self, listed: list[Listed]) -> list[Listed]:
        return [*listed, _entry(self.values())]


@dataclass(frozen=True, kw_only=True)
class EditSite(Change):
    """Another value of what the agreed requirements fix (BR-47)."""

    kind, label = "edit_site", "Another package, name or address of a site"
    site_id: UUID
    name: str | None = None
    url: str | None = None
    package: str | None = None
    premium_option: str | None = None
    cms: str | None = None
    multisite_decision: str | None = None

    def values(self) -> dict[str, Any]:
        """The fields that change. Standard has no extra, so that it goes with the package."""
        said = {name: getattr(self, name) for name in AGREED_FIELDS if getattr(self, name) is not None}
        return said | ({"premium_option": None} if self.package == "standard" else {})

    def check(self) -> None:
        if not self.values():
            raise Invalid.at("site_id", "Say what is to change about the site.")
        read_values(self.values())
        if self.package == "standard" and self.premium_option is not None:
            check_package(self.package, self.premium_option)

    def fits(self, standing: Standing) -> None:
        site = _site(self.site_id, standing)
        merged = {**site, **self.values()}
        check_package(merged["package"], merged["premium_option"])
        if self.url is not None:
            _must_be_new(self.url, standing, self.site_id)

    def say(self, standing: Standing) -> str:
        changed = ", ".join(LABELS[name].lower() for name in self.values())
        return f"{standing.site_name(self.site_id)}: {changed} changes in the agreed requirements."

    def shifts(self, standing: Standing) -> list[Shift]:
        before = standing.sites.get(self.site_id, {})
        return [Shift(LABELS[name], say_value(before.get(name)), say_value(value)) for name, value in self.values().items()]

    def relist(self, listed: list[Listed]) -> list[Listed]:
        return [_entry(each | self.values()) if each.get("id") == str(self.site_id) else each for each in listed]


@dataclass(frozen=True, kw_only=True)
class WithdrawSite(Change):
    """A site that is not moved after all."""

    kind, label = "withdraw_site", "A site less"
    site_id: UUID
    reason: str = ""

    def fits(self, standing: Standing) -> None:
        site = _site(self.site_id, standing)
        if "withdrawn" not in {step.to for step, _missing in open_steps(SITE_LIFECYCLE, site["stage"], ())}:
            raise Guard(f"{site['name']} is too far on its way to be withdrawn.", rule="order")

    def say(self, standing: Standing) -> str:
        return f"{standing.site_name(self.site_id)} leaves the agreed sites. Nothing more is done on it."

    def relist(self, listed: list[Listed]) -> list[Listed]:
        return [each for each in listed if each.get("id") != str(self.site_id)]


@dataclass(frozen=True, kw_only=True)
class PsHours(Change):
    """A block of PS hours, sold when the request is applied (BR-05, BR-06)."""

    kind, label = "ps_hours", "PS hours"
    minutes: int
    reference: str = ""  # Who asks for hours need not know the order; without one it is the request itself.
    purchased_on: date | None = None

    def check(self) -> None:
        check_block(self.minutes)
        if self.purchased_on is not None:
            _check_year("purchased_on", self.purchased_on)

    def say(self, standing: Standing) -> str:
        del standing
        under = f", under {self.reference}" if self.reference else ""
        return f"{say_minutes(self.minutes)} of PS hours are sold for all sites together{under}."

    def shifts(self, standing: Standing) -> list[Shift]:
        del standing
        day = [] if self.purchased_on is None else [Shift("Bought on", None, say_value(self.purchased_on))]
        return [Shift("PS hours", None, f"{say_minutes(self.minutes)} more"), *day]


@dataclass(frozen=True, kw_only=True)
class MoveDate(Change):
    """Another day or moment for a date that is set."""

    kind, label = "move_date", "Another date"
    deadline_id: UUID
    due_on: date | None = None
    due_at: datetime | None = None
    opens_on: date | None = None
    reason: str = ""

    @property
    def dates(self) -> Dates:
        return Dates(self.due_on, self.due_at, self.opens_on)

    def check(self) -> None:
        if self.due_on is None and self.due_at is None and self.opens_on is None:
            raise Invalid.at("due_on", "Say when it is due instead.")
        if self.due_on is not None and self.due_at is not None:
            raise Invalid.at("due_on", "Give a day, or a day and time, not both.")
        if not self.reason:
            raise Invalid.at("reason", "Say why the date moves.")
        for name in ("due_on", "due_at", "opens_on"):
            if (value := getattr(self, name)) is not None:
                _check_year(name, value)

    def fits(self, standing: Standing) -> None:
        if self.deadline_id not in standing.dates:
            raise Invalid.at("deadline_id", "This engagement has no such date.")
        if standing.dates[self.deadline_id]["done"]:
            raise Guard(f"{self.title(standing)} is done, so it cannot move.", rule="order", missing=["open_date"])

    def title(self, standing: Standing) -> str:
        known = standing.dates.get(self.deadline_id, {"title": "A date that is no longer set", "site_id": None})
        return f"{known['title']}, {standing.site_name(known['site_id'])}" if known["site_id"] else str(known["title"])

    def say(self, standing: Standing) -> str:
        return f"{self.title(standing)} moves to {self.said(standing)}. What is counted from it moves too."

    def said(self, standing: Standing) -> str:
        """The new date in words, an instant on the engagement's clock."""
        due = standing.say_moment(self.due_at) if self.due_at else say_value(self.due_on) if self.due_on else None
        opens = f"open from {say_value(self.opens_on)}" if self.opens_on else None
        return ", ".join(filter(None, [due, opens]))

    def shifts(self, standing: Standing) -> list[Shift]:
        before = standing.dates[self.deadline_id]["said"] if self.deadline_id in standing.dates else None
        return [Shift(self.title(standing), before, self.said(standing))]


@dataclass(frozen=True, kw_only=True)
class Scope(Change):
    """Another decision about one thing of the offering, or about a thing of one's own (BR-05)."""

    kind, label = "scope", "What is in scope"
    item: str
    decision: str
    site_id: UUID | None = None
    reason: str = ""

    def check(self) -> None:
        if not self.item:
            raise Invalid.at("item", "Say what it is about.")
        if self.decision not in set(Decision) - {Decision.UNDECIDED}:
            known = ", ".join(each for each in Decision if each is not Decision.UNDECIDED)
            raise Invalid.at("decision", f"Choose one of: {known}.")
        if not self.reason:
            raise Invalid.at("reason", "Say why.")

    def fits(self, standing: Standing) -> None:
        if self.site_id is not None:
            _site(self.site_id, standing)

    def title(self, standing: Standing) -> str:
        return standing.titles.get(self.item, self.item)

    def say(self, standing: Standing) -> str:
        decision = DECISION_LABELS[Decision(self.decision)]
        return f"“{self.title(standing)}” becomes {decision} for {standing.site_name(self.site_id)}."

    def shifts(self, standing: Standing) -> list[Shift]:
        before = standing.scope.get((self.site_id, slug_of(self.item, standing.titles)))
        said = DECISION_LABELS[Decision(before)] if before else None
        return [Shift(self.title(standing), said, DECISION_LABELS[Decision(self.decision)])]


KINDS: Mapping[str, type[Change]] = {each.kind: each for each in (AddSite, PsHours, MoveDate, Scope, EditSite, WithdrawSite)}
LINES: Mapping[str, int] = {"name": 200, "url": 2000, "cms_version": 200, "reference": REFERENCE_LENGTH, "item": ITEM_LENGTH}


def read_change(values: Mapping[str, Any], default_reason: str = "") -> Change:
    """Read one change from plain values, as they are sent or kept; texts are tidied, ids and dates may be text.

    A change that needs a reason of its own and has none takes the one of the whole request.
    Raises Invalid naming every field that cannot stand.
    """
    kind = KINDS.get(str(values.get("kind")))
    if kind is None:
        raise Invalid.at("kind", f"Choose one of: {', '.join(KINDS)}.")
    known = {each.name: each for each in fields(kind)}
    said = {name: value for name, value in values.items() if name != "kind" and value is not None}
    errors = [FieldError(name, "This kind of change has no such field.") for name in said if name not in known]
    read: dict[str, Any] = {}
    for name in [each for each in said if each in known]:
        try:
            read[name] = _read(name, said[name])
        except (TextError, ValueError) as error:
            errors.append(FieldError(name, str(error)))
    needed = [name for name, each in known.items() if _is_needed(each) and name not in said]
    errors += [FieldError(name, "Fill this in.") for name in needed]
    if errors:
        raise Invalid(errors)
    if "reason" in known and not read.get("reason"):
        read["reason"] = default_reason
    change = kind(**read)
    change.check()
    return change


def _is_needed(known: Any) -> bool:
    return known.default is MISSING and known.default_factory is MISSING


def _read(name: str, value: Any) -> Any:
    """Raises TextError or ValueError, in words, for what cannot be kept."""
    if name in LINES:
        return read_line(str(value), LINES[name])
    if name == "reason":
        return read_text(str(value), REASON_LENGTH)
    if not isinstance(value, str):
        return value
    if name in ("site_id", "deadline_id"):
        return UUID(value)
    if name in ("due_on", "opens_on", "purchased_on"):
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if name == "due_at" else value


def read_changes(values: Sequence[Mapping[str, Any]], reason: str, standing: Standing) -> list[Change]:
    """Read the changes of a request. Raises Invalid at `changes.0.url` and the like, Guard naming the change that is not open."""
    if not values:
        raise Invalid.at("changes", "Say at least one thing that is to change.")
    if len(values) > MOST_CHANGES:
        raise Invalid.at("changes", f"One change request holds at most {MOST_CHANGES} changes. Raise a second one.")
    read: list[Change] = []
    errors: list[FieldError] = []
    for place, each in enumerate(values):
        try:
            change = read_change(each, reason)
            change.fits(standing)
            read.append(change)
        except Invalid as error:
            errors += [FieldError(f"changes.{place}.{fault.field}", fault.message) for fault in error.errors]
    if errors:
        raise Invalid(errors)
    _check_together(read)
    return read


def _check_together(changes: Sequence[Change]) -> None:
    """No two changes of one request may speak of the same thing: which of them held would be anybody's guess."""
    seen: dict[object, int] = {}
    for place, change in enumerate(changes):
        about = _subject(change)
        if about is not None and about in seen:
            raise Invalid.at(f"changes.{place}.kind", f"Change {seen[about] + 1} speaks of the same already.")
        seen[about] = place


def _subject(change: Change) -> object:
    match change:
        case AddSite(url=url):
            return read_address(url).key
        case MoveDate(deadline_id=about):
            return about
        case Scope(site_id=about, item=item):
            return about, item.casefold()
        case EditSite(site_id=about) | WithdrawSite(site_id=about):
            return about
    return None


def plain(change: Change) -> dict[str, Any]:
    """A change as it is kept and sent: everything that was said, in JSON's own types."""
    said = {name: value for name, value in asdict(change).items() if value not in (None, "")}
    return {"kind": change.kind, **json.loads(json.dumps(said, default=_as_text))}


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def relists(changes: Sequence[Change]) -> bool:
    """Whether the agreed list of sites is another one afterwards, so that a new version is agreed (BR-47)."""
    return any(isinstance(change, AddSite | EditSite | WithdrawSite) for change in changes)


def foreseen(listed: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> list[Listed]:
    """The sites of the requirements as the changes will leave them."""
    after = [dict(each) for each in listed]
    for change in changes:
        after = change.relist(after)
    return after


def in_common(listed: Sequence[Mapping[str, Any]]) -> list[Listed]:
    """What two lists of sites are compared by: everything but the ids, which a site gets when it is listed."""
    bare = [{name: value for name, value in each.items() if name != "id"} for each in listed]
    return sorted(bare, key=lambda each: (str(each["url"]), str(each["name"])))


def _entry(values: Mapping[str, Any]) -> Listed:
    """One site as the requirements list it."""
    kept = {name: values[name] for name in ("id", *AGREED_FIELDS) if name in values}
    if "url" in kept:
        kept["url"] = read_address(str(kept["url"])).url
    budgets = entitled(str(values["package"]), values["premium_option"])
    return kept | {"budgets": {kind.value: minutes for kind, minutes in budgets.items()}}


def slug_of(item: str, titles: Mapping[str, str]) -> str:
    """What a scope item is kept under: the catalogue's id, or for a thing of one's own its title as a slug."""
    if item in titles:
        return item
    words = "".join(mark if mark.isalnum() else " " for mark in item.casefold()).split()
    return f"own-{'-'.join(words)}"[:ITEM_LENGTH]


def say_value(value: Any) -> str:
    """A value as people read it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return f"{value:%a %-d %b %Y}"
    return str(value)


def say_budgets(budgets: Mapping[str, int]) -> str:
    """The hours of one site, in words."""
    return ", ".join(f"{BUDGET_LABELS[BudgetKind(kind)]} {say_minutes(minutes)}" for kind, minutes in budgets.items())


def _site(site_id: UUID, standing: Standing) -> Mapping[str, Any]:
    if site_id not in standing.sites:
        raise Invalid.at("site_id", "This engagement has no such site.")
    site = standing.sites[site_id]
    if site["stage"] == "withdrawn":
        raise Guard(f"{site['name']} has left the engagement.", rule="order", missing=["site"])
    return site


def _must_be_new(url: str, standing: Standing, own: UUID | None) -> None:
    key = read_address(url).key
    for site_id, site in standing.sites.items():
        if site_id != own and site["stage"] != "withdrawn" and read_address(str(site["url"])).key == key:
            raise Invalid.at("url", f"This engagement lists that address already, as {site['name']}.")


def _check_year(name: str, value: date) -> None:
    if not EARLIEST_YEAR <= value.year <= LATEST_YEAR:
        raise Invalid.at(name, f"The year {value.year:04d} is not plausible. Write a year from {EARLIEST_YEAR} to {LATEST_YEAR}.")
