"""An engagement as its customer reads it: what they have to do, by when, what they get, what is left, whom they ask.

The page takes the same number of statements for one site and for fifty.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.scope import Decision
from tracker.domain.site import LAUNCHED_STAGES
from tracker.edge.gate import VIEW_AS, current_actor
from tracker.edge.rule import allow, also_looking
from tracker.store import budget as budgets
from tracker.store import comment as comments
from tracker.store import engagement as engagements
from tracker.store import kickoff as kickoffs
from tracker.store import link as links
from tracker.store import person as people
from tracker.store import portfolio, waiting
from tracker.store import time_entry as entries
from tracker.store import weekly_update as updates
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.web import dates, present, section
from tracker.web.dates import DateView
from tracker.web.filters import say_day
from tracker.web.form import Form
from tracker.web.present import Shown
from tracker.web.talk import comment_row, kickoff_card, link_row, update_row
from tracker.web.todo import Ground, ground_of, of_site, say_working_distance, todos_of

bp = Blueprint("customer_view", __name__)
RECENT_ENTRIES = 15
SUBJECTS = {"requirements": "Project requirements", "uat": "Acceptance test", "cutover": "DNS cutover", "freeze": "Freeze"}
ROUTES = {
    "account-rep": "ask your account rep",
    "ps-hours": "can be paid from PS hours",
    "self-service": "you can do it yourself",
    "customer": "yours to do",
}
DECISIONS = {
    Decision.INCLUDED: "Included",
    Decision.PREMIUM: "Your Premium extra",
    Decision.PS: "Paid from PS hours",
    Decision.OUT_OF_SCOPE: "Out of scope",
    Decision.UNDECIDED: "Still to be decided",
}


def page_of(engagement: Engagement, listed: list[Site], actor: Actor, signing: Mapping[str, Any], *, refused: Form | None) -> str:
    """The page. `signing` is the card of the requirements with the form under it."""
    now = utc_now()
    customer = engagements.customer(db.session, engagement.customer_id)
    ground = ground_of(engagement, customer.country, listed, actor, signing["requirements"], now)
    agreement = engagements.agreement_of(db.session, engagement.id)
    stage = portfolio.stage_of_one(db.session, engagement, agreement, listed, ground.dated)
    manager = people.get(db.session, engagement.manager_id)
    return render_template(
        "engagement/customer.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement.id, "overview"),
        refused=refused,
        engagement=present.engagement_head(engagement, customer.name, manager.name, stage),
        agreement=present.agreement_card(agreement),
        todos=todos_of(ground),
        deadlines=_dates(ground),
        urls={"sign": f"/engagements/{engagement.id}/sign" if actor.may(Permission.SIGN) else None, "agree": None},
        manager=manager,
        channel_url=_channel_url(engagement),
        **signing,
        **_sites(ground, listed),
        **_talk(ground),
    )


def _dates(ground: Ground) -> list[Shown]:
    """Every date, what is still to come before what is done; distances as the list above counts them."""
    named = people.people_named(db.session, dates.people_in(ground.dated))
    launched = {site_id for site_id, stage in ground.stages.items() if stage in LAUNCHED_STAGES}
    view = DateView(ground.engagement, ground.actor, ground.now, site_names=ground.site_names, launched=launched, people=named)
    rows = [_date_row(deadline, view, ground) for deadline in ground.dated]
    return sorted(rows, key=lambda row: bool(row.is_done))


def _date_row(deadline: Deadline, view: DateView, ground: Ground) -> Shown:
    row = dates.deadline_row(deadline, view)
    if row.is_live:
        row.relative = say_working_distance(deadline, ground)
    return row


def _sites(ground: Ground, listed: list[Site]) -> dict[str, Any]:
    """What they get and what is left, site by site; what was signed, and the hours that were logged last."""
    engagement_id = ground.engagement.id
    kept = budgets.of_engagement(db.session, engagement_id)
    items = waiting.scope(db.session, engagement_id)
    pool = next((budget for budget in kept if budget.site_id is None), None)
    bought = budgets.blocks_of(db.session, engagement_id)
    states = present.CUSTOMER_ENTRY_STATES
    logged = entries.recent(db.session, ground.actor, engagement_id, states=states, limit=RECENT_ENTRIES)
    return {
        "sites": [_site(site, kept, items) for site in listed if site.stage != "withdrawn"],
        "for_all": scope_groups(item for item in items if item.site_id is None),
        "ps": present.ps_card(pool, bought, ground.actor, present.today_of(ground.engagement)),
        "signatures": [_signature(*each, ground) for each in waiting.signatures(db.session, engagement_id)],
        "entries": [present.entry_row(entry, person, site, ground.actor) for entry, person, site in logged],
    }


def _site(site: Site, kept: Iterable[Budget], items: Iterable[ScopeItem]) -> Shown:
    row = present.site_row(site, [budget for budget in kept if budget.site_id == site.id])
    row.scope = scope_groups(item for item in items if item.site_id == site.id)
    return row


def scope_groups(items: Iterable[ScopeItem]) -> list[Shown]:
    """What is included, extra, paid apart, out of scope with the way on, and open: each with its titles."""
    chosen = list(items)
    return [
        Shown(label=label, titles=titles)
        for decision, label in DECISIONS.items()
        if (titles := [_titled(item) for item in chosen if item.decision == decision])
    ]


def _titled(item: ScopeItem) -> str:
    way = ROUTES.get(item.route or "") if item.decision == Decision.OUT_OF_SCOPE else None
    return f"{item.title}: {way}" if way else item.title


def _signature(signature: Any, name: str, ground: Ground) -> Shown:
    on = say_day(ground.calendar.local_date(signature.signed_at))
    what = SUBJECTS.get(signature.subject, present.stage_label(signature.subject).capitalize())
    return Shown(what=f"{what}{of_site(ground, signature.site_id)}", by=f"{name}, {on}")


def _channel_url(engagement: Engagement) -> str | None:
    """Where Slack opens the channel that both sides share."""
    return f"https://slack.com/app_redirect?channel={engagement.slack_channel}" if engagement.slack_channel else None


def _talk(ground: Ground) -> dict[str, Any]:
    """The latest update, what was said last, the kick-off's notes, and the links."""
    engagement, actor = ground.engagement, ground.actor
    said = comments.latest(db.session, actor, engagement.id)
    authors = people.people_named(db.session, {comment.author_id for comment in said})
    latest = updates.latest(db.session, actor, engagement.id)
    kept = links.of_engagement(db.session, actor, engagement.id)
    return {
        "update": update_row(latest, engagement.time_zone) if latest else None,
        "comments": [comment_row(each, authors, ground.site_names, actor, engagement.time_zone) for each in said],
        "kickoff": kickoff_card(kickoffs.of_engagement(db.session, actor, engagement.id), actor),
        "links": [link_row(link, ground.site_names, actor) for link in kept],
    }


@bp.post("/engagements/<uuid:engagement_id>/view-as-customer")
@allow(Permission.SEE_INTERNAL)
def look(engagement_id: UUID) -> ResponseReturnValue:
    """From now on, see everything as this engagement's customer does."""
    session[VIEW_AS] = str(engagements.get(db.session, current_actor(), engagement_id).id)
    return redirect(url_for("engagement.show", engagement_id=engagement_id), 303)


@bp.post("/view-as-customer/leave")
@allow(Permission.OWN_ACCOUNT)
@also_looking
def leave() -> ResponseReturnValue:
    """Back to one's own view, of the engagement that was looked at."""
    looked_at = session.pop(VIEW_AS, None)
    flash("This is your own view again.", "success")
    return redirect(url_for("engagement.show", engagement_id=UUID(looked_at)) if looked_at else "/", 303)
