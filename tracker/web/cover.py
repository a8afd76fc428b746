"""Being away: who covers meanwhile, for oneself and, by administrators, for anybody of the staff."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Optional

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import cover as service
from tracker.services.cover import CoverSpec
from tracker.store import cover as covers
from tracker.store import person as people
from tracker.store.cover import CoverRow
from tracker.store.database import db
from tracker.store.person import Person
from tracker.web.filters import say_day
from tracker.web.form import Form, save
from tracker.web.present import Shown, choices

bp = Blueprint("cover", __name__)


class CoverForm(Form):
    cover = SelectField("Who covers", [InputRequired("Choose a colleague.")])
    from_on = DateField("First day away", [InputRequired("Enter the first day.")])
    until_on = DateField("Last day away", [InputRequired("Enter the last day.")])
    note = StringField("Note", [Optional()])

    def spec(self) -> CoverSpec:
        """What was typed, as the use case takes it."""
        assert self.from_on.data is not None
        assert self.until_on.data is not None
        return CoverSpec(UUID(self.cover.data), self.from_on.data, self.until_on.data, self.note.data or "")


@bp.route("/account/away", methods=["GET", "POST"])
@allow(Permission.ARRANGE_COVER)
def mine() -> ResponseReturnValue:
    """I am away."""
    person_id = current_actor().person_id
    assert person_id is not None
    return _away(person_id, url_for("cover.mine"))


@bp.route("/people/<uuid:person_id>/away", methods=["GET", "POST"])
@allow(Permission.MANAGE_PEOPLE)
def of_person(person_id: UUID) -> ResponseReturnValue:
    """Somebody else is away."""
    return _away(person_id, url_for("cover.of_person", person_id=person_id))


def _away(person_id: UUID, url: str) -> ResponseReturnValue:
    actor, form = current_actor(), CoverForm()
    person = people.staff_member(db.session, person_id)
    colleagues = {str(each): name for each, name in people.staff_names(db.session).items() if each != person_id}
    form.cover.choices = choices(colleagues, "Choose a colleague")
    arranged = save(form, lambda: service.arrange(db.session, actor, person_id, form.spec(), now=utc_now()), lambda _: url)
    if arranged is None:
        return _page(person, form, url), form.status
    flash("Arranged. Whoever covers sees the engagements meanwhile, and reminders mention them.", "success")
    return arranged


def _page(person: Person, form: CoverForm, url: str) -> str:
    actor, now = current_actor(), utc_now()
    own = person.id == actor.person_id
    found = covers.to_come(db.session, person.id, now)
    return render_template(
        "people/away.html",
        nav_current="account" if own else "people",
        person=person,
        own=own,
        form=form,
        url=url,
        back_url=url_for("account.show") if own else url_for("team.person", person_id=person.id),
        away=[cover_row(each, now) for each in found if each.cover.person_id == person.id],
        covering=[cover_row(each, now) for each in found if each.cover.cover_id == person.id],
    )


def cover_row(row: CoverRow, now: datetime) -> Shown:
    """One cover as pages list it."""
    return Shown(
        person=row.person_name,
        cover=row.cover_name,
        days=f"{say_day(row.cover.from_on)} to {say_day(row.cover.until_on)}",
        note=row.cover.note,
        runs=row.cover.starts_at <= now,
        end_url=url_for("cover.end", cover_id=row.cover.id),
    )


@bp.post("/covers/<uuid:cover_id>/end")
@allow(Permission.ARRANGE_COVER)
def end(cover_id: UUID) -> ResponseReturnValue:
    """Back early, or never away."""
    actor, form = current_actor(), Form()
    cover = covers.get(db.session, actor, cover_id)
    own = cover.person_id == actor.person_id
    url = url_for("cover.mine") if own else url_for("cover.of_person", person_id=cover.person_id)
    ended = save(form, lambda: service.end(db.session, actor, cover_id, now=utc_now()), lambda _: url)
    if ended is None:
        for messages in form.errors.values():
            for message in messages:
                flash(message, "error")
        return redirect(url, 303)
    flash("The cover has ended.", "success")
    return ended
