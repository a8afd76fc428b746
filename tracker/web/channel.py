"""An engagement's channels in Slack: how they stand, who is in them, and where new ones come from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, RadioField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.channel import PLACE_LABELS, ChannelSeen, Fault, Place, is_legal_name, legal_name
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import channel_care as service
from tracker.services import engagement as engagement_service
from tracker.services.carding import post_cards
from tracker.services.channel_care import ChannelView
from tracker.services.engagement import EngagementChange
from tracker.store import channel as channels
from tracker.store import engagement as engagements
from tracker.store.database import db
from tracker.web import section
from tracker.web import site as site_pages
from tracker.web.filters import say_moment
from tracker.web.form import Form, save
from tracker.web.sign_in import EmptyForm

bp = Blueprint("channel", __name__)
NOT_CONNECTED = "Slack is not connected: set SLACK_BOT_TOKEN for the server and start it again."
PLACES = [SelectChoice(place.value, PLACE_LABELS[place]) for place in Place]


class PlaceForm(Form):
    place = RadioField("Which channel", [InputRequired("Choose one.")], choices=PLACES, default=Place.CUSTOMER.value)


class NewChannelForm(PlaceForm):
    name = StringField("Name", [InputRequired()])
    is_private = BooleanField("Private", default=True)
    invited = SelectMultipleField("Invite", option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False))
    # The Slack ids of the customer's people.
    customers: frozenset[str] = frozenset()

    def validate_invited(self, field: SelectMultipleField) -> None:
        """Nobody of the customer gets into the team's own channel by a tick too many."""
        if self.place.data == Place.TEAM and self.customers & set(field.data or []):
            raise ValidationError("The customer’s people do not belong in the team’s own channel. Take out their ticks.")

    def validate_name(self, field: StringField) -> None:
        """What Slack takes, said before it is asked."""
        if not is_legal_name(field.data or ""):
            raise ValidationError("Slack takes small letters, digits, hyphens and underscores, 80 at most.")


class ChooseForm(PlaceForm):
    channel = RadioField("Channel", [InputRequired("Choose one.")])


@bp.get("/engagements/<uuid:engagement_id>/channels")
@allow(Permission.EDIT_ENGAGEMENT)
def show(engagement_id: UUID) -> ResponseReturnValue:
    """Both channels as they were last seen. Slack itself is asked by a button only: the page never waits for it."""
    return _page(engagement_id)


def _page(engagement_id: UUID, form: Form | None = None) -> str:
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    connected = current_app.extensions["channels"] is not None
    own = ("check", "invite", "create", "choose")
    return render_template(
        "channel/channels.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "channels"),
        engagement=site_pages.head_of(engagement),
        channels=[_shown(view, actor) for view in service.views_of(db.session, actor, engagement_id)],
        form=form,
        connected=connected,
        not_connected=NOT_CONNECTED,
        urls={name: url_for(f"channel.{name}", engagement_id=engagement_id) for name in own},
    )


def _shown(view: ChannelView, actor: Actor) -> dict[str, Any]:
    """One channel as its card shows it."""
    seen = view.seen
    return {
        "title": PLACE_LABELS[view.place],
        "is_customers": view.place is Place.CUSTOMER,
        "id": view.channel,
        "name": f"#{seen.name}" if seen and seen.name else None,
        "is_private": bool(seen and seen.is_private),
        "is_external": bool(seen and seen.is_external),
        "is_archived": bool(seen and seen.is_archived),
        "problem": view.problem,
        "checked": say_moment(view.checked_at, actor.time_zone) if view.checked_at else None,
        "people": [
            {
                "name": each.person.name,
                "role": each.person.role.replace("_", " ").removeprefix("customer "),
                "since": say_moment(each.since, actor.time_zone) if each.since else None,
                "known": each.person.slack_user_id is not None,
            }
            for each in view.people
        ],
        "may_invite": bool(seen and not view.problem and any(each.slack_user_id for each in view.missing)),
    }


@bp.post("/engagements/<uuid:engagement_id>/channels/check")
@allow(Permission.EDIT_ENGAGEMENT)
def check(engagement_id: UUID) -> ResponseReturnValue:
    """Ask Slack how the engagement's channels are now."""
    form = EmptyForm()
    ids = [view.channel for view in service.views_of(db.session, current_actor(), engagement_id)]
    if not form.validate_on_submit():
        return _page(engagement_id, form), 422
    found = _ask(lambda slack: [slack.look(channel) for channel in dict.fromkeys(ids)])
    return _keep_looks(form, engagement_id, found, "Looked. This is how it stands.")


@bp.post("/engagements/<uuid:engagement_id>/channels/invite")
@allow(Permission.EDIT_ENGAGEMENT)
def invite(engagement_id: UUID) -> ResponseReturnValue:
    """Invite those of the customer who are known in Slack and not in the customer's channel."""
    form = EmptyForm()
    views = service.views_of(db.session, current_actor(), engagement_id)
    view = next((each for each in views if each.place is Place.CUSTOMER), None)
    if view is None or not form.validate_on_submit():
        return _page(engagement_id, form), 422
    names = {each.slack_user_id: each.name for each in view.missing if each.slack_user_id}

    def ask(slack: Any) -> Sequence[ChannelSeen | Fault]:
        return _invited(slack, view.channel, names) or [slack.look(view.channel)]

    return _keep_looks(form, engagement_id, _ask(ask), "Invited.")


def _invited(slack: Any, channel: str, names: Mapping[str, str]) -> list[Fault]:
    """Invite people by their Slack ids; a fault for each who could not be, by name."""
    refused = slack.invite(channel, list(names))
    if isinstance(refused, Fault):
        return [refused]
    return [Fault(fault.code, f"{names.get(user, user)}: {fault.message}") for user, fault in refused.items()]


def _ask(question: Callable[[Any], Sequence[ChannelSeen | Fault]]) -> Sequence[ChannelSeen | Fault]:
    """Ask Slack, outside any transaction: it may take its time."""
    slack = current_app.extensions["channels"]
    if slack is None:
        return [Fault("not_connected", NOT_CONNECTED)]
    db.session.close()
    return question(slack)


def _keep_looks(form: Form, engagement_id: UUID, found: Sequence[ChannelSeen | Fault], said: str) -> ResponseReturnValue:
    """Keep what was seen, and say what was not."""
    here = url_for("channel.show", engagement_id=engagement_id)
    faults = [each for each in found if isinstance(each, Fault)]
    answer = save(form, lambda: _take_in(found), lambda _done: here)
    if answer is None or faults:
        for fault in faults:
            form.say(fault.message)
        return _page(engagement_id, form), 409 if form.status == 200 else form.status
    flash(said, "success")
    return answer


def _take_in(found: Sequence[ChannelSeen | Fault]) -> None:
    for each in found:
        if isinstance(each, ChannelSeen):
            service.take_in(db.session, each, now=utc_now())


@bp.route("/engagements/<uuid:engagement_id>/channels/new", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def create(engagement_id: UUID) -> ResponseReturnValue:
    """Make a channel in Slack, named after the engagement, and invite who is known there."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    people = [each for each in engagements.everybody_on(db.session, engagement) if each.slack_user_id]
    known = {each.slack_user_id or "": each.name for each in people}
    form = NewChannelForm(name=legal_name(engagement.name), invited=list(known))
    form.customers = frozenset(each.slack_user_id or "" for each in people if each.customer_id is not None)
    form.invited.choices = [SelectChoice(user, name) for user, name in known.items()]
    if form.is_submitted() and form.validate():
        name, wanted = form.name.data or "", {user: known[user] for user in form.invited.data or []}
        found = _ask(lambda slack: _created(slack, name, wanted, private=form.is_private.data))
        answer = _adopt(form, engagement_id, found, at="name")
        if answer is not None:
            return answer
    elif form.is_submitted():
        form.status = 422
    return _form_page("channel/new.html", form, engagement_id)


def _created(slack: Any, name: str, wanted: Mapping[str, str], *, private: bool) -> Sequence[ChannelSeen | Fault]:
    """Make it, invite, look: the channel first, then what did not work."""
    made = slack.create(name, private=private)
    if isinstance(made, Fault):
        return [made]
    faults = _invited(slack, made.channel, wanted)
    seen = slack.look(made.channel)
    return [made if isinstance(seen, Fault) else seen, *faults]


@bp.route("/engagements/<uuid:engagement_id>/channels/choose", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def choose(engagement_id: UUID) -> ResponseReturnValue:
    """Choose from the channels that the bot is in."""
    engagements.get(db.session, current_actor(), engagement_id)
    offered = _ask(lambda slack: _joined(slack))
    form = ChooseForm()
    found = {each.channel: each for each in offered if isinstance(each, ChannelSeen)}
    for channel in channels.hidden_from(db.session, current_actor(), set(found)):
        del found[channel]
    form.channel.choices = [SelectChoice(channel, f"#{seen.name or channel}{_marks(seen)}") for channel, seen in found.items()]
    faults = [each for each in offered if isinstance(each, Fault)]
    if form.is_submitted() and not faults and form.validate():
        chosen = form.channel.data
        answer = _adopt(form, engagement_id, _ask(lambda slack: [slack.look(chosen)]), at="channel")
        if answer is not None:
            return answer
    elif form.is_submitted():
        form.status = 409 if faults else 422
    for fault in faults:
        form.say(fault.message)
    return _form_page("channel/choose.html", form, engagement_id)


def _joined(slack: Any) -> Sequence[ChannelSeen | Fault]:
    found: Sequence[ChannelSeen] | Fault = slack.joined()
    return [found] if isinstance(found, Fault) else found


def _marks(seen: ChannelSeen) -> str:
    marks = [word for word, is_so in (("private", seen.is_private), ("shared with another company", seen.is_external)) if is_so]
    return f" ({', '.join(marks)})" if marks else ""


def _adopt(form: PlaceForm, engagement_id: UUID, found: Sequence[ChannelSeen | Fault], *, at: str) -> ResponseReturnValue | None:
    """Make a channel the engagement's own, with all that waits for it. None where the form is shown again."""
    first, *others = found
    if isinstance(first, Fault):
        form.status = 409
        (form.say if at not in form else _adder(form, at))(first.message)
        return None
    actor, place, seen = current_actor(), Place(form.place.data), first

    def use_case() -> None:
        now = utc_now()
        service.check_free(db.session, actor, engagement_id, place, seen.channel)
        change = EngagementChange(None, {place.value: seen.channel})
        engagement = engagement_service.edit_engagement(db.session, actor, engagement_id, change, now=now)
        service.take_in(db.session, seen, now=now)
        # Chosen here, a channel begins with where things stand; one that is only named elsewhere is told nothing by itself.
        post_cards(db.session, engagement, now=now)

    answer = save(form, use_case, lambda _done: url_for("channel.show", engagement_id=engagement_id))
    if answer is not None:
        flash(f"#{seen.name or seen.channel} is the engagement’s channel now; what waited goes there.", "success")
        for fault in others:
            flash(fault.message if isinstance(fault, Fault) else "", "error")
    return answer


def _adder(form: Form, name: str) -> Callable[[str], None]:
    def add(message: str) -> None:
        form[name].errors = [*form[name].errors, message]

    return add


def _form_page(template: str, form: PlaceForm, engagement_id: UUID) -> ResponseReturnValue:
    engagement = engagements.get(db.session, current_actor(), engagement_id)
    return render_template(
        template,
        nav_current="portfolio",
        form=form,
        engagement=site_pages.head_of(engagement),
        back_url=url_for("channel.show", engagement_id=engagement_id),
        connected=current_app.extensions["channels"] is not None,
        not_connected=NOT_CONNECTED,
    ), form.status
