"""What narrows the hours to approve, as it stands in the page's address: read, shown as a form, taken off one by one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import request, url_for
from wtforms import Form as PlainForm
from wtforms import SelectField

from tracker.store.approval import Around, Narrowed
from tracker.web.present import Shown, choices

WEEKS = {"whole": "Handed in whole", "open": "Drafts still open"}


class FilterForm(PlainForm):
    """Sent by GET, so that a narrowed list is an address to keep. What is unknown says nothing."""

    engagement = SelectField("Engagement")
    person = SelectField("Person")
    site = SelectField("Site")
    week = SelectField("Week", choices=choices(WEEKS, "Any"))


@dataclass(frozen=True)
class Asked:
    """What an address asks of the list."""

    narrowed: Narrowed

    @classmethod
    def read(cls) -> "Asked":
        """From the address. What cannot be read is as if it was not there."""
        said = request.args
        return cls(
            Narrowed(
                engagement_id=said.get("engagement", type=UUID),
                person_id=said.get("person", type=UUID),
                site_id=said.get("site", type=UUID),
                whole_weeks={"whole": True, "open": False}.get(said.get("week", "")),
            )
        )

    def url(self, **over: Any) -> str:
        """The address of the list with something else about it."""
        narrowed = over.pop("narrowed", self.narrowed)
        return url_for("approval.index", **_said(narrowed), **over)

    def form(self, around: Sequence[Around]) -> FilterForm:
        """The form as it is filled in; it offers what something waits for."""
        form = FilterForm(data={name: str(value) for name, value in _said(self.narrowed).items() if value is not None})
        offered = ((form.engagement, "engagement", "Any"), (form.person, "person", "Anybody"), (form.site, "site", "Any"))
        for field, name, label in offered:
            field.choices = choices({str(key): text for key, text in _names(around, name).items()}, label)
        return form

    def chips(self, around: Sequence[Around]) -> Iterator[Shown]:
        """What narrows the list, each with the address of the list without it."""
        for name in ("engagement", "person", "site"):
            value = getattr(self.narrowed, f"{name}_id")
            if value is not None:
                label = _names(around, name).get(value, "unknown")
                yield self._chip(f"{name.capitalize()}: {label}", **{f"{name}_id": None})
        if self.narrowed.whole_weeks is not None:
            yield self._chip(WEEKS["whole" if self.narrowed.whole_weeks else "open"], whole_weeks=None)

    def _chip(self, label: str, **without: Any) -> Shown:
        return Shown(label=label, remove_url=self.url(narrowed=replace(self.narrowed, **without)))


def _said(narrowed: Narrowed) -> dict[str, Any]:
    return {
        "engagement": narrowed.engagement_id,
        "person": narrowed.person_id,
        "site": narrowed.site_id,
        "week": {True: "whole", False: "open", None: None}[narrowed.whole_weeks],
    }


def _names(around: Sequence[Around], name: str) -> Mapping[UUID, str]:
    return dict(sorted({getattr(each, name) for each in around}, key=lambda pair: (pair[1], str(pair[0]))))
