"""The team and how much each has in hand, for managers; one person's page, for administrators."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import STAFF, Actor, Permission, Role
from tracker.domain.text import initials
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.store import cover as covers
from tracker.store import engagement as engagements
from tracker.store import handover as handovers
from tracker.store import person as people
from tracker.store import team
from tracker.store.database import db
from tracker.store.team import Workload
from tracker.web import present
from tracker.web.cover import cover_row
from tracker.web.filters import say_moment, say_short_day
from tracker.web.handover import THINGS
from tracker.web.present import Shown, count_of

bp = Blueprint("team", __name__)


@bp.get("/team")
@allow(Permission.SEE_TEAM)
def index() -> ResponseReturnValue:
    """Everybody of the staff with what they have in hand. A fixed number of statements."""
    actor, now = current_actor(), utc_now()
    today = now.astimezone(ZoneInfo(actor.time_zone)).date()
    monday = today - timedelta(days=today.weekday())
    found = team.workloads(db.session, actor, monday=monday, sunday=monday + timedelta(days=6), now=now)
    return render_template("people/team.html", nav_current="team", rows=[_row(each, actor) for each in found])


def _row(each: Workload, actor: Actor) -> Shown:
    person, administers = each.person, actor.may(Permission.MANAGE_PEOPLE)
    may_hand_over = (administers or person.id == actor.person_id) and each.leads + each.assigned > 0
    return Shown(
        name=person.name,
        initials=initials(person.name),
        url=url_for("team.person", person_id=person.id) if administers else None,
        role_label=Role(person.role).label,
        leads=each.leads,
        led_url=url_for("portfolio.show", manager=person.id) if each.leads else None,
        assigned=each.assigned,
        minutes=each.minutes,
        away=present.say_cover(each.away),
        covers=[f"Covers for {row.person_name} until {say_short_day(row.cover.until_on)}" for row in each.covers_for],
        hand_over_url=url_for("handover.show", person_id=person.id) if may_hand_over else None,
    )


@bp.get("/people/<uuid:person_id>")
@allow(Permission.MANAGE_PEOPLE)
def person(person_id: UUID) -> ResponseReturnValue:
    """One person: their engagements, and their covers."""
    actor, now = current_actor(), utc_now()
    shown = people.get(db.session, person_id)
    staff = shown.role in STAFF
    in_hand = handovers.in_hand(db.session, actor, person_id) if staff else []
    customer = engagements.customer(db.session, shown.customer_id) if shown.customer_id else None
    return render_template(
        "people/person.html",
        nav_current="people",
        person=shown,
        role_label=Role(shown.role).label,
        customer=customer.name if customer else None,
        last_sign_in=say_moment(shown.last_signed_in_at, actor.time_zone) if shown.last_signed_in_at else None,
        is_staff=staff,
        engagements=[
            Shown(
                name=each.engagement.name,
                url=f"/engagements/{each.engagement.id}",
                customer=each.customer_name,
                role="Leads" if each.leads else "Works on it",
                status=present.STATUS_LABELS[each.engagement.status],
                owned=", ".join(count_of(number, THINGS.get(name, name)) for name, number in each.owned.items() if number),
            )
            for each in in_hand
        ],
        covers=[cover_row(each, now) for each in covers.to_come(db.session, person_id, now)],
        urls={
            "back": url_for("person.index"),
            "hand_over": url_for("handover.show", person_id=person_id) if in_hand else None,
            "away": url_for("cover.of_person", person_id=person_id) if staff else None,
        },
    )
