"""What the team's overview of an engagement shows beside hours and dates: on whom it waits, risks, questions, papers."""

from typing import Any

from tracker.domain.freeze import FreezeState
from tracker.store import kickoff as kickoffs
from tracker.store import link as links
from tracker.store import risk as risks
from tracker.store import timer as timers
from tracker.store import uat as uat_rounds
from tracker.store import weekly_update as updates
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.risk import Risk
from tracker.web.filters import say_day
from tracker.web.present import Shown, count_of, unplaced_row
from tracker.web.talk import kickoff_card, link_row, update_row
from tracker.web.todo import Ground, todos_of

SHOWN = 6
SEVERITY_TONES = {"blocks": "red", "warns": "amber", "note": "grey"}


def around_of(ground: Ground) -> dict[str, Any]:
    """Everything of it, in a fixed number of statements."""
    engagement, actor = ground.engagement, ground.actor
    todos = todos_of(ground)
    latest = updates.latest(db.session, actor, engagement.id)
    kept = links.of_engagement(db.session, actor, engagement.id)
    return {
        "waiting": todos[:SHOWN],
        "waiting_more": max(0, len(todos) - SHOWN),
        "risks": [_risk(risk, ground) for risk in risks.open_of(db.session, engagement.id, actor)],
        "team_questions": [
            Shown(
                text=each.text,
                site=ground.site_names.get(each.site_id) if each.site_id else None,
                url=f"/engagements/{engagement.id}/questions#question-{each.id}",
            )
            for each in ground.team_questions
        ],
        "update": update_row(latest, engagement.time_zone) if latest else None,
        "kickoff": kickoff_card(kickoffs.of_engagement(db.session, actor, engagement.id), actor),
        "links": [link_row(link, ground.site_names, actor) for link in kept[:SHOWN]],
        "unplaced": [unplaced_row(each) for each in timers.waiting(db.session, actor, engagement_id=engagement.id)],
        "remarks": _remarks(engagement, ground, len(todos)),
    }


def _risk(risk: Risk, ground: Ground) -> Shown:
    return Shown(
        title=risk.title,
        site=ground.site_names.get(risk.site_id) if risk.site_id else None,
        tone=SEVERITY_TONES[risk.severity],
        label=risk.severity.capitalize(),
        due=say_day(risk.due_on) if risk.due_on else None,
    )


def _remarks(engagement: Engagement, ground: Ground, waiting: int) -> list[Shown]:
    """What an engagement should be looked at for, in a word each."""
    running = [row for row in ground.freezes if row.state(ground.now) is FreezeState.RUNNING]
    remarks = []
    if waiting:
        remarks.append(Shown(text=f"{count_of(waiting, 'thing')} for the customer to do", tone="amber"))
    if running:
        remarks.append(Shown(text=f"{count_of(len(running), 'freeze')} on", tone="blue"))
    if rounds := uat_rounds.open_rounds_of_engagement(db.session, engagement.id):
        remarks.append(Shown(text=f"UAT open on {count_of(len(rounds), 'site')}", tone="violet"))
    return remarks
