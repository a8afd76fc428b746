"""What narrows and orders the portfolio, as it stands in the page's address: read, shown as a form, and taken off one by one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import request, url_for
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField
from wtforms import Form as PlainForm
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.domain.portfolio import Alarm, Filters, Order, Place, read_place
from tracker.web.present import STATUS_LABELS, Shown, choices

ALARM_LABELS = {
    Alarm.OVERDUE: "A date is overdue",
    Alarm.OVER_80: "A site is over 80 %",
    Alarm.WAITING: "Waiting on the customer",
    Alarm.FROZEN: "A freeze is running",
}
ORDER_LABELS = {Order.NEXT: "Next date", Order.NAME: "Name", Order.CUSTOMER: "Customer", Order.NEWEST: "Newest first"}
HEADS = {"Engagement": Order.NAME, "Next date": Order.NEXT}


class FilterForm(PlainForm):
    """Sent by GET, so that a narrowed list is an address to keep. Nothing in it can be wrong: what is unknown says nothing."""

    q = StringField("Engagement, customer or site")
    manager = SelectField("Manager")
    status = SelectField("Status", choices=choices(STATUS_LABELS, "Any"))
    sort = SelectField("Order", choices={order.value: label for order, label in ORDER_LABELS.items()})
    mine = BooleanField("Only those I lead or work on")
    risk = SelectMultipleField(
        "Risk",
        choices={alarm.value: label for alarm, label in ALARM_LABELS.items()},
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )


@dataclass(frozen=True)
class Asked:
    """What an address asks the portfolio for."""

    filters: Filters
    order: Order
    start: Place | None
    backwards: bool

    @classmethod
    def read(cls) -> "Asked":
        """From the address. What cannot be read is as if it was not there: an old bookmark still opens the list."""
        said = request.args
        order = Order(said["sort"]) if said.get("sort") in set(Order) else Order.NEXT
        filters = Filters(
            words=said.get("q", "").replace("\0", ""),
            customer_id=_id(said.get("customer")),
            manager_id=_id(said.get("manager")),
            mine=bool(said.get("mine")),
            status=said["status"] if said.get("status") in STATUS_LABELS else None,
            alarms=tuple(alarm for alarm in Alarm if alarm.value in said.getlist("risk")),
        )
        backwards = "before" in said
        return cls(filters, order, read_place(said.get("before" if backwards else "after", ""), order), backwards)

    def url(self, **over: Any) -> str:
        """The address of the same list with something else about it, from its beginning unless a place is named."""
        filters, order = over.pop("filters", self.filters), over.pop("order", self.order)
        said = {
            "q": filters.words.strip() or None,
            "customer": filters.customer_id,
            "manager": filters.manager_id,
            "mine": "y" if filters.mine else None,
            "status": filters.status,
            "risk": [alarm.value for alarm in filters.alarms],
            "sort": None if order is Order.NEXT else order.value,
        }
        return url_for("portfolio.show", **said, **over, _anchor="engagements" if over else None)

    def form(self, managers: Mapping[UUID, str]) -> FilterForm:
        """The form as it is filled in."""
        filters = self.filters
        form = FilterForm(
            data={
                "q": filters.words,
                "manager": str(filters.manager_id or ""),
                "status": filters.status or "",
                "sort": self.order.value,
                "mine": filters.mine,
                "risk": [alarm.value for alarm in filters.alarms],
            }
        )
        form.manager.choices = choices({str(key): name for key, name in managers.items()}, "Anybody")
        return form

    def heads(self) -> dict[str, dict[str, str | None]]:
        """The heads of the columns by which the list can be ordered."""
        return {
            label: {"label": label, "url": self.url(order=order), "sorted": "ascending" if order is self.order else None}
            for label, order in HEADS.items()
        }

    def chips(self, customer: str | None, managers: Mapping[UUID, str]) -> Iterator[Shown]:
        """What narrows the list, each with the address of the list without it."""
        filters = self.filters
        if filters.words.strip():
            yield self._chip(f"“{filters.words.strip()}”", words="")
        if filters.customer_id is not None:
            yield self._chip(f"Customer: {customer or 'unknown'}", customer_id=None)
        if filters.manager_id is not None:
            yield self._chip(f"Manager: {managers.get(filters.manager_id, 'unknown')}", manager_id=None)
        if filters.mine:
            yield self._chip("Mine", mine=False)
        if filters.status is not None:
            yield self._chip(STATUS_LABELS[filters.status], status=None)
        for alarm in filters.alarms:
            yield self._chip(ALARM_LABELS[alarm], alarms=tuple(each for each in filters.alarms if each is not alarm))

    def _chip(self, label: str, **without: Any) -> Shown:
        return Shown(label=label, remove_url=self.url(filters=replace(self.filters, **without)))


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
