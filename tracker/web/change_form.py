"""The form of a change request: one row for each change, by kind, that works without a script.

A kind is one class of fields and its line in ROWS. "Add another change" shows the form again with what was typed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import request
from werkzeug.datastructures import MultiDict
from wtforms import DateField, DateTimeLocalField, HiddenField, SelectField, StringField, TextAreaField
from wtforms import Form as Fields
from wtforms.validators import InputRequired, Length, Optional

from tracker.domain.budget import MAX_BLOCK_MINUTES, PS_MINIMUM_MINUTES
from tracker.domain.change import DECISION_LABELS, KINDS, REASON_LENGTH, TITLE_LENGTH, Standing
from tracker.domain.change_list import MOST_CHANGES
from tracker.domain.duration import say_minutes
from tracker.domain.errors import Invalid, TrackerError
from tracker.domain.scope import Decision
from tracker.domain.workday import DateOutOfRange, resolve
from tracker.web import present
from tracker.web.budget import BlockHours
from tracker.web.deadline import LOCAL_FORMATS
from tracker.web.form import Form, blank_to_none
from tracker.web.present import choices

AS_NOW = "As it is now"
MOST_CARRIED = 500  # characters of a field


class Row(Fields):
    """One change as it is typed."""

    kind = HiddenField()
    label = ""
    number = 0

    def offer(self, standing: Standing, zone: ZoneInfo) -> None:
        """What may be chosen."""

    def said(self) -> dict[str, Any]:
        """What was typed, as the API names it; an empty field says nothing."""
        said = {
            name: blank_to_none(field.data) if isinstance(field.data, str) else field.data for name, field in self._fields.items()
        }
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def shown(cls, change: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:  # noqa: ARG003 -- some kinds need it
        """What the fields show of a change that is kept."""
        return dict(change)


def _sites(standing: Standing, empty: str) -> dict[str, str]:
    return choices({str(key): site["name"] for key, site in standing.sites.items() if site["stage"] != "withdrawn"}, empty)


class SiteRow(Row):
    name = StringField("Name", [InputRequired("Name the site.")], description="Short, such as “shop”.")
    url = StringField("Address", [InputRequired("Write the site's address.")], description="Where the site runs today.")
    cms = SelectField("System", choices=choices(present.CMS_LABELS))
    cms_version = StringField("Version", [Optional()], description="Such as 6.7.")
    plan = SelectField("Plan", [Optional()], choices=choices(present.PLAN_LABELS, "Not known yet"))
    package = SelectField("Package", choices=choices(present.PACKAGE_LABELS))
    premium_option = SelectField(
        "Premium extra", [Optional()], choices=choices(present.PREMIUM_LABELS, "None"), description="Premium only: exactly one."
    )


class HoursRow(Row):
    duration = BlockHours("Hours", [InputRequired("Write how many hours.")], description="Four hours or more at a time.")
    reference = StringField("Order or quote", [Optional()], description="Its number, where there is one.")

    def said(self) -> dict[str, Any]:
        return {"kind": self.kind.data, "minutes": self.duration.minutes or 0, "reference": self.reference.data}

    @classmethod
    def shown(cls, change: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
        return super().shown(change, zone) | {"duration": say_minutes(change["minutes"]) if "minutes" in change else ""}


class DateRow(Row):
    deadline_id = SelectField("Which date", [InputRequired("Choose a date.")])
    due_on = DateField("Day", [Optional()])
    due_at = DateTimeLocalField("Or day and time", [Optional()], format=LOCAL_FORMATS, description="Only where the hour matters.")
    opens_on = DateField("First day of UAT", [Optional()], description="For UAT only; its last day is counted from it.")
    zone: ZoneInfo

    def offer(self, standing: Standing, zone: ZoneInfo) -> None:
        self.zone = zone
        open_dates = {str(key): date for key, date in standing.dates.items() if not date["done"]}
        self.deadline_id.choices = choices({key: _say_date(date, standing) for key, date in open_dates.items()}, "Choose a date")

    def said(self) -> dict[str, Any]:
        said = super().said()
        if self.due_at.data is not None:
            try:
                said["due_at"] = resolve(self.due_at.data.date(), self.due_at.data.time(), self.zone).instant
            except DateOutOfRange as error:
                raise Invalid.at(f"changes.{self.number}.due_at", str(error)) from None
        return said

    @classmethod
    def shown(cls, change: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
        shown = super().shown(change, zone)
        for name in ("due_on", "opens_on"):
            if name in change:
                shown[name] = date.fromisoformat(change[name])
        if "due_at" in change:
            shown["due_at"] = datetime.fromisoformat(change["due_at"]).astimezone(zone).replace(tzinfo=None)
        return shown


def _say_date(date: Mapping[str, Any], standing: Standing) -> str:
    where = f", {standing.site_name(date['site_id'])}" if date["site_id"] else ""
    return f"{date['title']}{where}: {date['said']}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class ScopeRow(Row):
    item = SelectField("What", [Optional()], validate_choice=False)
    own = StringField("Or in your own words", [Optional(), Length(max=200)])
    site_id = SelectField("For", [Optional()])
    decision = SelectField(
        "Becomes",
        choices={each.value: _capital(DECISION_LABELS[each]) for each in Decision if each is not Decision.UNDECIDED},
    )

    def offer(self, standing: Standing, zone: ZoneInfo) -> None:
        del zone
        self.item.choices = choices(standing.titles, "Something else")
        self.site_id.choices = _sites(standing, "The whole engagement")
        if self.item.data and self.item.data not in standing.titles:
            self.own.data, self.item.data = self.own.data or self.item.data, ""

    def said(self) -> dict[str, Any]:
        said = super().said()
        own = said.pop("own", None)
        return said | {"item": own or said.get("item") or ""}


class EditRow(Row):
    site_id = SelectField("Site", [InputRequired("Choose a site.")])
    name = StringField("New name", [Optional()])
    url = StringField("New address", [Optional()])
    cms = SelectField("System", [Optional()], choices=choices(present.CMS_LABELS, AS_NOW))
    package = SelectField("Package", [Optional()], choices=choices(present.PACKAGE_LABELS, AS_NOW))
    premium_option = SelectField("Premium extra", [Optional()], choices=choices(present.PREMIUM_LABELS, AS_NOW))
    multisite_decision = SelectField("What becomes of a network", [Optional()], choices=choices(present.MULTISITE_LABELS, AS_NOW))

    def offer(self, standing: Standing, zone: ZoneInfo) -> None:
        del zone
        self.site_id.choices = _sites(standing, "Choose a site")


class WithdrawRow(Row):
    site_id = SelectField("Site", [InputRequired("Choose a site.")])

    def offer(self, standing: Standing, zone: ZoneInfo) -> None:
        del zone
        self.site_id.choices = _sites(standing, "Choose a site")


ROWS: Mapping[str, type[Row]] = {
    "add_site": SiteRow,
    "ps_hours": HoursRow,
    "move_date": DateRow,
    "scope": ScopeRow,
    "edit_site": EditRow,
    "withdraw_site": WithdrawRow,
}


class RequestForm(Form):
    """A change request as it is typed."""

    title = StringField(
        "In a few words", [Optional(), Length(max=TITLE_LENGTH)], description="Left empty, the first change names it."
    )
    reason = TextAreaField("Why", [InputRequired("Say why; the other side reads it."), Length(max=REASON_LENGTH)])
    rows: list[Row]

    def fill(self, rows: Sequence[Row], standing: Standing, zone: ZoneInfo) -> None:
        """The changes in the form, with what may be chosen in each."""
        self.rows = list(rows)
        for number, row in enumerate(self.rows):
            row.number, row.label = number, KINDS[row.kind.data or ""].label
            row.offer(standing, zone)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every row as well; a form without one says nothing."""
        sound = bool(super().validate(extra_validators))
        for row in self.rows:
            sound = row.validate() and sound
            for field in row:
                if isinstance(field.data, str) and "\0" in field.data:
                    field.errors = [*field.errors, "This holds a character that cannot be kept. Type it anew."]
                    sound = False
        if not self.rows:
            self.say("Say at least one thing that is to change: choose below what it is.")
        return sound and bool(self.rows)

    def take(self, error: TrackerError) -> None:
        """Faults of a change are shown at its own fields."""
        faults = error.errors if isinstance(error, Invalid) else []
        for fault in faults:
            head, _, rest = fault.field.partition(".")
            number, _, name = rest.partition(".")
            if head == "changes" and number.isdecimal() and int(number) < len(self.rows):
                self._put(self.rows[int(number)], "duration" if name == "minutes" else name, fault.message)
        others = [fault for fault in faults if not fault.field.startswith("changes.")]
        super().take(error if not faults else type(error)(others))  # type: ignore[arg-type]  # Invalid and its kinds take faults

    def _put(self, row: Row, name: str, message: str) -> None:
        if name in row and name != "kind":
            row[name].errors = [*row[name].errors, message]
        else:
            row.form_errors.append(message)

    def said(self) -> list[dict[str, Any]]:
        """The changes, as the API names them."""
        return [row.said() for row in self.rows]


def typed_rows() -> list[Row]:
    """The rows of what was sent, with one more or one less where a button asked for that."""
    sent = request.form
    places = [
        place for place in range(MOST_CHANGES) if sent.get(f"changes-{place}-kind") in ROWS and str(place) != sent.get("remove")
    ]
    rows = [ROWS[sent[f"changes-{old}-kind"]](_moved(sent, old, new), prefix=f"changes-{new}-") for new, old in enumerate(places)]
    if sent.get("add") in ROWS and len(rows) < MOST_CHANGES:
        rows.append(new_row(len(rows), {"kind": sent["add"]}))
    return rows


def _moved(sent: MultiDict[str, str], old: int, new: int) -> MultiDict[str, str]:
    """The fields of one row under the number it has now."""
    head = f"changes-{old}-"
    return MultiDict(
        [(f"changes-{new}-{name.removeprefix(head)}", value) for name, value in sent.items(multi=True) if name.startswith(head)]
    )


def new_row(place: int, shown: Mapping[str, Any]) -> Row:
    """A row that shows something that was not typed in it."""
    return ROWS[shown["kind"]](data=dict(shown), prefix=f"changes-{place}-")


def kept_rows(changes: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[Row]:
    """The rows of a request that is edited."""
    return [new_row(place, ROWS[each["kind"]].shown(each, zone)) for place, each in enumerate(changes)]


def prefilled(source: Mapping[str, str], standing: Standing) -> dict[str, Any] | None:
    """A first change from what somebody was about to do: a refused entry, an unlisted site, a fixed field, a date.

    What does not fit is left out: it is only what the form begins with.
    """
    kind = source.get("kind") or source.get("prefill") or ""
    if kind not in ROWS:
        return None
    texts = [field.name for field in ROWS[kind]() if isinstance(field, StringField | SelectField) and field.name != "kind"]
    shown: dict[str, Any] = {name: source[name][:MOST_CARRIED] for name in texts if name in source}
    shown |= dict(_named(source, standing))
    minutes = source.get("minutes", "")
    if kind == "ps_hours" and minutes.isascii() and minutes.isdecimal() and len(minutes) < 9:
        shown["duration"] = say_minutes(min(MAX_BLOCK_MINUTES, max(PS_MINIMUM_MINUTES, int(minutes))))
    return shown | {"kind": kind}


def first_reason(source: Mapping[str, str], standing: Standing) -> str:
    """What was written where somebody came from; of more hours also for which site they are."""
    sites = {str(key): str(site["name"]) for key, site in standing.sites.items()}
    name = sites.get(source.get("site", "")) if source.get("kind") == "ps_hours" else None
    about = f"The hours of {name} do not last for this work" if name else None
    return ": ".join(filter(None, [about, source.get("note", "")]))[:REASON_LENGTH]


def _named(source: Mapping[str, str], standing: Standing) -> Iterator[tuple[str, str]]:
    """The site and the date that somebody came from, where they are of this engagement."""
    for name, field, known in (("site", "site_id", standing.sites), ("deadline", "deadline_id", standing.dates)):
        asked = source.get(name, "")
        if asked in {str(key) for key in known}:
            yield field, str(UUID(asked))
