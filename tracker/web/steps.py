"""How guided paths are shown: the proposal with its reason, each path with its steps, and whose turn it is."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.catalogue import Catalogue
from tracker.domain.path import LAUNCH, MANAGED, Proposal
from tracker.domain.path_step import ACTORS, checks_of, hint_of, label_of, may_settle, needs_evidence
from tracker.domain.runbook import Runbook
from tracker.services.path import Walk
from tracker.store.engagement import Engagement
from tracker.store.path import HelpedMigration, PathStep
from tracker.store.site import Site
from tracker.web.filters import say_moment, sentence
from tracker.web.form import Form
from tracker.web.present import Shown

STATES = {
    "active": ("Under way", "blue"),
    "complete": ("Complete", "green"),
    "failed": ("Did not work", "red"),
    "replaced": ("Replaced", "grey"),
}
ROUTES = {
    "migrations mailbox": "the migrations team",
    "migrations_team": "the migrations team",
    "support": "Platform Support",
    "engagement_manager": "your engagement manager",
}


@dataclass(frozen=True)
class PathView:
    """What the paths of one site are shown by."""

    site: Site
    engagement: Engagement
    actor: Actor
    people: Mapping[UUID, str]
    helped: Collection[HelpedMigration] = ()
    forms: Mapping[UUID, Form] = field(default_factory=dict)  # by the id of a step or a path
    skips: Mapping[UUID, Form] = field(default_factory=dict)
    failures: Mapping[UUID, Form] = field(default_factory=dict)

    def doer(self, name: str) -> str:
        """Whose turn it is, as the reader is spoken to."""
        return "Customer" if name == "customer" and self.actor.is_staff else ACTORS.get(name, label_of(name))

    def when(self, moment: Any) -> str:
        """A moment on the engagement's clock."""
        return say_moment(moment, self.engagement.time_zone)


def people_in(walks: Iterable[Walk]) -> set[UUID]:
    """Everybody whom the paths name."""
    named = {each for walk in walks for each in (walk.path.chosen_by, *(step.finished_by for step in walk.steps))}
    return {each for each in named if each is not None}


def may_do(actor: Actor, walk: Walk, step: PathStep) -> bool:
    """Whether somebody may settle a step."""
    return may_settle(actor, walk.said(step), walk.doer(step))


def may_choose(actor: Actor, engagement: Engagement) -> bool:
    """In a managed engagement the team chooses the path."""
    return actor.may(Permission.WORK_ON_SITES if engagement.type == "managed" else Permission.ANSWER)


def current_of(walk: Walk) -> PathStep | None:
    """The step that comes next."""
    return next((step for step in walk.steps if step.finished_at is None), None)


def path_card(walk: Walk, view: PathView) -> Shown:
    """One path with its steps."""
    path, runbook, current = walk.path, walk.runbook, current_of(walk)
    label, tone = STATES[path.state]
    live = path.state == "active"
    done = sum(step.finished_at is not None for step in walk.steps)
    return Shown(
        id=path.id,
        runbook=runbook.id,
        title=runbook.title,
        state=path.state,
        state_label=label,
        state_tone=tone,
        progress=f"{done} of {len(walk.steps)}",
        reason=path.reason,
        catalogue_url=f"/catalog/paths/{runbook.id}?version={path.catalogue_version}",
        catalogue_version=path.catalogue_version,
        chosen=", ".join(filter(None, [view.when(path.chosen_at), view.people.get(path.chosen_by) if path.chosen_by else None])),
        turn=_say_turn(walk, current, view) if live and current else None,
        steps=[_step(walk, step, view, is_current=live and step is current) for step in walk.steps],
        notes=_notes(runbook),
        failure=_failure(walk) if path.state == "failed" else None,
        fail_form=view.failures.get(path.id) if live else None,
        fail_url=f"/site-paths/{path.id}/fail",
        helped=_helped(walk, view),
    )


def _say_turn(walk: Walk, current: PathStep, view: PathView) -> str:
    """Whose turn it is, and with what."""
    doer, title = walk.doer(current), walk.said(current).title
    if doer == "customer" and not view.actor.is_staff:
        return f"your turn: {title}"
    return f"{view.doer(doer)}’s turn: {title}"


def _notes(runbook: Runbook) -> list[Shown]:
    """What is good to know before and while walking a path."""
    named = {
        "Before you start": runbook.preconditions,
        "Happens by itself": runbook.automatic_effects,
        "How long it takes": (runbook.typical_duration,) if runbook.typical_duration else (),
        "What may go wrong": runbook.failure_modes,
        "Good to know": runbook.notes,
    }
    return [Shown(title=title, lines=[sentence(line) for line in lines]) for title, lines in named.items() if lines]


def _step(walk: Walk, step: PathStep, view: PathView, *, is_current: bool) -> Shown:
    said, doer = walk.said(step), walk.doer(step)
    state = "skipped" if step.skipped_reason else "done" if step.finished_at else "current" if is_current else "later"
    checks = checks_of(said, walk.catalogue.runbooks)
    may_change = walk.path.state == "active" and may_do(view.actor, walk, step)
    return Shown(
        id=step.id,
        version=step.version,
        url=f"/path-steps/{step.id}",
        position=step.position,
        title=said.title,
        doer=view.doer(doer),
        is_mine=is_current and (doer == "customer") != view.actor.is_staff,
        state=state,
        settled=_say_settled(step, view),
        inputs=[Shown(label=label_of(name), value=step.inputs.get(name), hint=hint_of(name)) for name in said.asked],
        to_confirm=[check.text for check in checks if not check.here],
        seen_to=[check.text for check in checks if check.here],
        source=walk.catalogue.say_source(said.source),
        evidence=step.evidence,
        evidence_wanted=sentence(said.evidence) if needs_evidence(said) else None,
        form=view.forms.get(step.id) if is_current else None,
        skip_form=view.skips.get(step.id) if is_current else None,
        may_reopen=may_change and step.finished_at is not None and _is_last_settled(walk, step),
    )


def _is_last_settled(walk: Walk, step: PathStep) -> bool:
    return all(other.finished_at is None for other in walk.steps if other.position > step.position)


def _say_settled(step: PathStep, view: PathView) -> str | None:
    if step.finished_at is None:
        return None
    who = view.people.get(step.finished_by, "somebody") if step.finished_by else "somebody"
    said = f"{view.when(step.finished_at)}, {who}"
    if step.on_behalf:
        said += ", for the customer"
    return f"Skipped {said}: {step.skipped_reason}" if step.skipped_reason else f"Done {said}"


def _failure(walk: Walk) -> Shown:
    """What went wrong, what helps, and where to go on."""
    fault = next((each for each in walk.catalogue.runbooks.import_faults if each.id == walk.path.fault), None)
    route = walk.runbook.on_failure
    next_path = walk.catalogue.paths.get(walk.fallback or "")
    return Shown(
        said=walk.path.failure,
        cause=sentence(fault.cause) if fault else None,
        remedy=sentence(fault.fix) if fault else None,
        next_id=next_path.id if next_path else None,
        next_title=next_path.title if next_path else None,
        ask=ROUTES.get(route.route),
        give=list(route.give),
        limit=route.limit,
    )


def _helped(walk: Walk, view: PathView) -> Shown | None:
    """How many migrations of this customer the team has helped with, on the path that counts them."""
    cap = walk.catalogue.caps.get(walk.runbook.helped_cap or "")
    if cap is None or cap.count is None:
        return None
    here = next((each for each in view.helped if each.site_path_id == walk.path.id), None)
    may_count = view.actor.may(Permission.WORK_ON_SITES) and here is None
    return Shown(
        used=len(view.helped),
        count=cap.count,
        here=f"We helped with this one: number {here.number} of {cap.count}." if here else None,
        url=f"/site-paths/{walk.path.id}/helped" if may_count else None,
    )


def proposal_card(proposal: Proposal, known: Catalogue) -> Shown:
    """A proposal in words, and the one inside it."""
    runbook = known.paths.get(proposal.runbook_id or "")
    return Shown(
        runbook=proposal.runbook_id,
        title=runbook.title if runbook else None,
        reason=proposal.reason,
        holds_if=proposal.holds_if,
        questions=[each.question for each in proposal.unknown],
        calls=proposal_card(proposal.calls, known) if proposal.calls else None,
    )


def path_choices(known: Catalogue, site: Site, engagement: Engagement, proposal: Proposal, walks: Iterable[Walk]) -> list[Shown]:
    """Every path for the site's system that is not under way, the proposed ones first, with when it fits and when it does not."""
    proposed = [each.runbook_id for each in (proposal, proposal.calls) if each is not None] + [LAUNCH]
    walked = {walk.path.runbook for walk in walks if walk.path.state == "active"}
    fitting = [
        runbook
        for runbook in known.paths.values()
        if site.cms in runbook.cms and runbook.id not in walked and (engagement.type == "managed" or runbook.id != MANAGED)
    ]
    rows = [_choice(runbook, known, is_proposed=runbook.id in proposed) for runbook in fitting]
    return sorted(rows, key=lambda row: (proposed.index(row.id) if row.is_proposed else len(proposed), row.is_superseded))


def _choice(runbook: Runbook, known: Catalogue, *, is_proposed: bool) -> Shown:
    return Shown(
        id=runbook.id,
        title=runbook.title,
        url=f"/catalog/paths/{runbook.id}?version={known.version}",
        is_proposed=is_proposed,
        is_superseded=runbook.status == "superseded",
        era=runbook.era,
        when=[sentence(line) for line in runbook.when],
        not_when=[sentence(line) for line in runbook.not_when],
    )
