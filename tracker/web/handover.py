"""Hand engagements over: to whom, which of them, what goes along, and then in one step."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField, SelectMultipleField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import handover as service
from tracker.services.handover import HandOver
from tracker.store import handover as handovers
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.handover import InHand
from tracker.store.person import Person
from tracker.web.form import Form, save
from tracker.web.present import Shown, choices, count_of

bp = Blueprint("handover", __name__)
THINGS = {"dates": "open date", "questions": "open question", "risks": "open risk"}


class HandOverForm(Form):
    """Chosen first, then looked at, then confirmed with a reason."""

    colleagues: Mapping[str, str] = MappingProxyType({})
    to = SelectField("Who takes over", [InputRequired("Choose a colleague.")])
    engagement_ids = SelectMultipleField(
        "Engagements",
        [InputRequired("Choose at least one engagement.")],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    reason = TextAreaField("Why", [InputRequired("Say why; it stands in the history of each engagement.")])

    def said(self, from_id: UUID) -> HandOver:
        """What was chosen, as the use case takes it."""
        chosen = [UUID(each) for each in self.engagement_ids.data or ()]
        return HandOver(from_id, UUID(self.to.data), chosen, self.reason.data or "")


@bp.route("/people/<uuid:person_id>/hand-over", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def show(person_id: UUID) -> ResponseReturnValue:
    """Choose, look at what goes along, and hand over."""
    actor, back = current_actor(), url_for("team.index")
    service.check_may(actor, person_id)
    person = people.staff_member(db.session, person_id)
    in_hand = handovers.in_hand(db.session, actor, person_id)
    form = _form(person, in_hand)
    done = save(form, lambda: service.hand_over(db.session, actor, form.said(person_id), now=utc_now()), lambda _: back)
    if done is None:
        return _page(person, in_hand, form, back), form.status
    flash("Handed over. The history of each engagement says so.", "success")
    return done


def _form(person: Person, in_hand: list[InHand]) -> HandOverForm:
    """The form; before anything is chosen every engagement is ticked."""
    chosen = request.args if "to" in request.args else None
    everything = [str(each.engagement.id) for each in in_hand]
    ticked = [each for each in chosen.getlist("engagement_ids") if each in everything] if chosen else everything
    colleagues = {str(each): name for each, name in people.staff_names(db.session).items() if each != person.id}
    to = chosen["to"] if chosen and chosen["to"] in colleagues else ""
    form = HandOverForm(data={"to": to, "engagement_ids": ticked})
    form.colleagues = colleagues
    form.to.choices = choices(colleagues, "Choose a colleague")
    form.engagement_ids.choices = {str(each.engagement.id): say_in_hand(each) for each in in_hand}
    return form


def _page(person: Person, in_hand: list[InHand], form: HandOverForm, back: str) -> str:
    chosen = [each for each in in_hand if str(each.engagement.id) in (form.engagement_ids.data or ())]
    successor = form.colleagues.get(form.to.data or "")
    preview = bool(successor and chosen) and (request.method == "POST" or "to" in request.args)
    if "to" in request.args and not preview:
        form.say("Choose a colleague and at least one engagement.")
    return render_template(
        "people/hand_over.html",
        nav_current="people" if person.id != current_actor().person_id else "team",
        person=person,
        form=form,
        successor=successor,
        rows=[_row(each) for each in chosen],
        is_empty=not in_hand,
        preview=preview,
        url=url_for("handover.show", person_id=person.id),
        back_url=back,
    )


def _row(each: InHand) -> Shown:
    return Shown(
        name=each.engagement.name,
        url=f"/engagements/{each.engagement.id}",
        customer=each.customer_name,
        role=" and ".join(filter(None, ["the lead" if each.leads else "", "the assignment" if each.assigned else ""])),
        owned=", ".join(count_of(number, THINGS.get(name, name)) for name, number in each.owned.items() if number)
        or "nothing of their own",
    )


def say_in_hand(each: InHand) -> str:
    """One engagement as it is chosen."""
    return f"{each.engagement.name} ({each.customer_name}), {'leads' if each.leads else 'works on it'}"
