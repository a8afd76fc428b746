"""Changes: what may be asked for in a change request, and in which words both sides read it.

Each kind of change is one class and its line in KINDS. A change is a plain value; `Standing` says how things are, so that
a change can be told as before and after, and refused where it no longer fits. Minutes are whole.
Sources: docs/rules/change_request.md, BR-01, BR-05, BR-06, BR-47.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from tracker.domain.budget import BUDGET_LABELS, BudgetKind, check_block, entitled
from tracker.domain.deadline import EARLIEST_YEAR, LATEST_YEAR, Dates
from tracker.domain.duration import say_minutes
from tracker.domain.errors import Guard, Invalid
from tracker.domain.lifecycle import open_steps
from tracker.domain.listing import AGREED_FIELDS, DEFAULTS, read_values
from tracker.domain.scope import Decision
from tracker.domain.site import SITE_LIFECYCLE, check_package, check_variant, read_address

TITLE_LENGTH, REASON_LENGTH, REFERENCE_LENGTH, ITEM_LENGTH = 200, 2000, 200, 200
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
