"""What narrows and groups the hours, as it stands in the page's address: read, shown as a form, and taken off one by one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import request, url_for
from wtforms import DateField, HiddenField, SelectField
from wtforms import Form as PlainForm

from tracker.domain.budget import WorkKind
from tracker.domain.errors import Invalid
from tracker.domain.hours_report import STANDING, GroupBy, HoursFilter, HoursRow, month_around, span_asked
from tracker.web.filters import say_day
from tracker.web.present import Shown, choices

STATE_LABELS = {"approved": "Used (approved)", "submitted": "Held: waiting for approval", "draft": "Held: draft"}
# Nobody has logged before; a span from here says that it has no beginning.
BEGINNING = date(2000, 1, 1)


class HoursForm(PlainForm):
    """Sent by GET, so that a report is an address to keep. Only a day can be wrong; the rest is chosen."""

    group_by = SelectField("Add up by", choices={group.value: group.label for group in GroupBy})
    first = DateField("From", name="from")
    last = DateField("To", name="to")
    person = SelectField("Person")
    kind = SelectField("Kind of work", choices=choices({kind.value: kind.label for kind in WorkKind}, "Any"))
    state = SelectField("State", choices=choices(STATE_LABELS, "Used and held"))
    engagement = HiddenField()
    site = HiddenField()


@dataclass(frozen=True)
class Asked:
    """What an address asks of the hours. `faults` are what is wrong with its days, by the field's name."""

    group: GroupBy
    filters: HoursFilter
    today: date
    faults: Mapping[str, str]

    @classmethod
    def read(cls, today: date) -> "Asked":
        """From the address. What cannot be chosen is as if it was not there; a day that cannot be read is a fault."""
        said, faults, days = request.args, {}, {}
        for name in ("from", "to"):
            try:
                days[name] = date.fromisoformat(said[name]) if said.get(name) else None
            except ValueError:
                days[name], faults[name] = None, "Write the day as 2026-11-20."
        first, last = span_asked(days["from"], days["to"], today)
        filters = HoursFilter(
            first=first,
            last=last,
            engagement_id=_id(said.get("engagement")),
            site_id=_id(said.get("site")),
            person_id=_id(said.get("person")),
            kind=WorkKind(said["kind"]) if said.get("kind") in set(WorkKind) else None,
            state=said["state"] if said.get("state") in STANDING else None,
        )
        try:
            filters.checked()
        except Invalid as error:
            faults |= {fault.field: fault.message for fault in error.errors}
        group = GroupBy(said["group_by"]) if said.get("group_by") in set(GroupBy) else GroupBy.ENGAGEMENT
        return cls(group, filters, today, faults)

    def url(self, endpoint: str = "hours.show", *, after: str | None = None, group: GroupBy | None = None, **over: Any) -> str:
        """The address of the same report with something else about it."""
        filters = replace(self.filters, **over)
        said = {
            "group_by": (group or self.group).value,
            "from": filters.first,
            "to": filters.last,
            "engagement": filters.engagement_id,
            "site": filters.site_id,
            "person": filters.person_id,
            "kind": filters.kind,
            "state": filters.state,
            "after": after,
        }
        return url_for(endpoint, **said)  # type: ignore[arg-type]

    def form(self, people: Mapping[UUID, str]) -> HoursForm:
        """The form as it is filled in, with what is wrong at its field."""
        filters = self.filters
        form = HoursForm(
            data={
                "group_by": self.group.value,
                "first": filters.first,
                "last": filters.last,
                "person": str(filters.person_id or ""),
                "kind": filters.kind or "",
                "state": filters.state or "",
                "engagement": str(filters.engagement_id or ""),
                "site": str(filters.site_id or ""),
            }
        )
        form.person.choices = choices({str(key): name for key, name in people.items()}, "Anybody")
        for field in (form.first, form.last):
            if message := self.faults.get(field.name):
                field.errors = [message]
                # As it was typed, so that it can be mended.
                field.raw_data = [request.args.get(field.name, "")]
        return form

    def spans(self) -> list[Shown]:
        """Spans of days that are asked often."""
        today, month = self.today, month_around(self.today)
        spans = {
            "This month": month,
            "Last month": month_around(month[0] - timedelta(days=1)),
            "This year": (today.replace(month=1, day=1), today.replace(month=12, day=31)),
            "From the beginning": (BEGINNING, None),
        }
        now = (self.filters.first, self.filters.last)
        return [
            Shown(label=label, url=self.url(first=span[0], last=span[1]), current=span == now) for label, span in spans.items()
        ]

    def say_span(self) -> str:
        """The days that count, in words."""
        first, last = self.filters.first, self.filters.last
        if first in (None, BEGINNING):
            return f"until {say_day(last)}" if last else "from the beginning"
        assert first is not None
        return f"{say_day(first)} to {say_day(last)}" if last else f"since {say_day(first)}"

    def chips(self, engagement: str | None, site: str | None, people: Mapping[UUID, str]) -> Iterator[Shown]:
        """What narrows the report besides its days, each with the address of the report without it."""
        filters = self.filters
        if filters.engagement_id is not None:
            yield self._chip(f"Engagement: {engagement or 'unknown'}", engagement_id=None)
        if filters.site_id is not None:
            yield self._chip(f"Site: {site or 'unknown'}", site_id=None)
        if filters.person_id is not None:
            yield self._chip(f"Person: {people.get(filters.person_id, 'unknown')}", person_id=None)
        if filters.kind is not None:
            yield self._chip(filters.kind.label, kind=None)
        if filters.state is not None:
            yield self._chip(STATE_LABELS[filters.state], state=None)

    def _chip(self, label: str, **without: Any) -> Shown:
        return Shown(label=label, remove_url=self.url(**without))

    def all_url(self) -> str:
        """The same days and groups, narrowed by nothing else."""
        return self.url(engagement_id=None, site_id=None, person_id=None, kind=None, state=None)

    def into(self, row: HoursRow) -> str | None:
        """Where a row leads: only its hours, added up by the first thing that tells them apart."""
        if self.group is GroupBy.MONTH:
            first, last = month_around(date.fromisoformat(f"{row.key}-01"))
            begins, ends = max(first, self.filters.first or first), min(last, self.filters.last or last)
            narrowed: dict[str, Any] = {"first": begins, "last": ends}
        elif self.group is GroupBy.KIND:
            narrowed = {"kind": WorkKind(row.key)}
        else:
            narrowed = {f"{self.group.value}_id": UUID(row.key)}
        told_apart = self._told_apart(replace(self.filters, **narrowed))
        return self.url(group=told_apart, **narrowed) if told_apart else None

    def _told_apart(self, filters: HoursFilter) -> GroupBy | None:
        """The first grouping that is not narrowed to one row yet."""
        settled = {
            GroupBy.ENGAGEMENT: filters.engagement_id or filters.site_id,
            GroupBy.SITE: filters.site_id,
            GroupBy.PERSON: filters.person_id,
            GroupBy.KIND: filters.kind,
        }
        return next((group for group, narrowed in settled.items() if not narrowed and group is not self.group), None)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
