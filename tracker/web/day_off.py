"""A customer's calendar: its public holidays, and its own days off, entered or read from a calendar file."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, FileField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.day_off import NAME_LENGTH
from tracker.domain.errors import Invalid
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.intake.calendar_file import FoundDays, read_days_off
from tracker.services import day_off as service
from tracker.services.day_off import Changed, DayOffSpec
from tracker.store import day_off as days_off
from tracker.store import engagement as engagements
from tracker.store.database import db
from tracker.store.holiday import countries
from tracker.web.filters import say_day
from tracker.web.form import Form, save
from tracker.web.present import Shown, count_of

bp = Blueprint("day_off", __name__)


class DayForm(Form):
    day = DateField("First day", [InputRequired("Say which day.")])

    def first(self) -> date:
        """The day of a form that is valid."""
        return self.day.data or date.min


class AddForm(DayForm):
    """A day or a range."""

    until_on = DateField("Last day", [Optional()])
    name = StringField("Name", [InputRequired("Say what the day off is for."), Length(max=NAME_LENGTH)])


class FileForm(Form):
    """A calendar file, which is read and shown, not kept."""

    file = FileField("Calendar file")


class ImportForm(Form):
    """The days of a file as they were shown, a day and its name on each line."""

    days = TextAreaField()

    def chosen(self) -> dict[date, str]:
        """Raises Invalid for what is no such line: the page itself writes them."""
        try:
            lines = [line.partition(" ") for line in (self.days.data or "").splitlines() if line.strip()]
            return {date.fromisoformat(day): name for day, _, name in lines}
        except ValueError:
            raise Invalid.at("days", "These days cannot be read. Send the file again.") from None


@bp.get("/customers/<uuid:customer_id>/calendar")
@allow(Permission.SEE_ENGAGEMENTS)
def show(customer_id: UUID) -> ResponseReturnValue:
    """The days off, and the forms to change them."""
    return _page(customer_id)


@bp.post("/customers/<uuid:customer_id>/calendar")
@allow(Permission.EDIT_ENGAGEMENT)
def add(customer_id: UUID) -> ResponseReturnValue:
    """Add a day or a range."""
    actor, form = current_actor(), AddForm()

    def act() -> Changed:
        spec = DayOffSpec(form.first(), form.name.data or "", form.until_on.data)
        return service.add_days(db.session, actor, customer_id, spec, now=utc_now())

    return _saved(form, act, customer_id) or (_page(customer_id, add=form), form.status)


@bp.post("/customers/<uuid:customer_id>/calendar/file")
@allow(Permission.EDIT_ENGAGEMENT)
def read(customer_id: UUID) -> ResponseReturnValue:
    """Show what a calendar file would add; nothing is saved."""
    engagements.visible_customer(db.session, current_actor(), customer_id)
    form = FileForm()
    try:
        found = read_days_off(form.file.data.read() if form.file.data else b"", today=utc_now().date())
    except Invalid as error:
        form.take(error)
        return _page(customer_id, file=form), form.status
    return _preview(customer_id, found)


@bp.post("/customers/<uuid:customer_id>/calendar/import")
@allow(Permission.EDIT_ENGAGEMENT)
def bring(customer_id: UUID) -> ResponseReturnValue:
    """Add what was shown of a file."""
    actor, form = current_actor(), ImportForm()

    def act() -> Changed:
        return service.import_days(db.session, actor, customer_id, form.chosen(), now=utc_now())

    return _saved(form, act, customer_id) or (_page(customer_id, refused=form), form.status)


@bp.post("/customers/<uuid:customer_id>/calendar/remove")
@allow(Permission.EDIT_ENGAGEMENT)
def remove(customer_id: UUID) -> ResponseReturnValue:
    """Work on a day after all."""
    actor, form = current_actor(), DayForm()

    def act() -> Changed:
        return service.remove_day(db.session, actor, customer_id, form.first(), now=utc_now())

    answer = _saved(form, act, customer_id, removed=True)
    return answer or (_page(customer_id, refused=form), form.status)


def _saved(form: Form, act: Callable[[], Changed], customer_id: UUID, *, removed: bool = False) -> ResponseReturnValue | None:
    """Carry it out once, and say how many dates moved for it."""
    done: list[Changed] = []

    def then(changed: Changed) -> str:
        done.append(changed)
        return url_for("day_off.show", customer_id=customer_id)

    answer = save(form, act, then)
    for changed in done:
        what = (
            f"{count_of(changed.days, 'day')} {'removed' if removed else 'added'}."
            if changed.days
            else "Those days are off already."
        )
        flash(f"{what} {count_of(changed.dates_moved, 'date')} moved.", "success")
    return answer


def _page(customer_id: UUID, *, add: AddForm | None = None, file: FileForm | None = None, refused: Form | None = None) -> str:
    actor = current_actor()
    customer = engagements.visible_customer(db.session, actor, customer_id)
    return render_template(
        "customer/calendar.html",
        nav_current="portfolio",
        customer=customer.name,
        holidays=dict(countries()).get(customer.country or ""),
        days=[_row(each.day, each.name, each.source) for each in days_off.of_customer(db.session, customer_id)],
        add=add or AddForm(formdata=None),
        file=file or FileForm(formdata=None),
        refused=refused,
        urls={name: url_for(f"day_off.{name}", customer_id=customer_id) for name in ("add", "read", "remove")},
    )


def _row(day: date, name: str, source: str) -> Shown:
    said = "Calendar file" if source == "ics" else "Entered here"
    return Shown(iso=day.isoformat(), day=say_day(day), name=name, source=said)


def _preview(customer_id: UUID, found: FoundDays) -> str:
    customer = engagements.visible_customer(db.session, current_actor(), customer_id)
    known = {each.day for each in days_off.of_customer(db.session, customer_id)}
    fresh = {day: name for day, name in found.days.items() if day not in known}
    form = ImportForm(formdata=None, days="\n".join(f"{day.isoformat()} {name}" for day, name in fresh.items()))
    return render_template(
        "customer/calendar_preview.html",
        nav_current="portfolio",
        customer=customer.name,
        days=[_row(day, name, "ics") for day, name in fresh.items()],
        known=len(found.days) - len(fresh),
        passed_over=found.passed_over,
        form=form,
        save_url=url_for("day_off.bring", customer_id=customer_id),
        back_url=url_for("day_off.show", customer_id=customer_id),
    )
