"""Choose the guided path of a site, walk it step by step, and record where it failed or where the team helped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tracker.catalog.loader import catalogue, pinned
from tracker.domain.access import Actor, Permission
from tracker.domain.catalogue import Catalogue
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed
from tracker.domain.path import MANAGED, PathSubject, Proposal, fallback_of, propose, slot_of
from tracker.domain.path_step import (
    EVIDENCE_LENGTH,
    REASON_LENGTH,
    StepState,
    check_confirmed,
    check_doer,
    check_finish,
    check_order,
    check_skip,
    checks_of,
    doer_of,
    is_customers_own,
    read_inputs,
    read_kept,
    target_names,
)
from tracker.domain.runbook import Runbook, RunbookStep
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store import path as paths
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.path import HelpedMigration, PathStep, SitePath
from tracker.store.site import Site

# Keeps other edits waiting, but not those who only refer to the row.
AGAINST_EDITS = {"key_share": True}


def catalogue_of(session: AnySession, engagement: Engagement) -> Catalogue:
    """The catalogue an engagement keeps to; the newest where nothing was signed."""
    agreement = engagements.agreement_of(session, engagement.id)
    return pinned(agreement.catalogue_version if agreement else None)


def subject_of(session: AnySession, site: Site, engagement: Engagement) -> PathSubject:
    """What the choice of a path looks at."""
    kept = budgets.of_site(session, engagement.id, site.id)
    return PathSubject(
        cms=site.cms,
        cms_variant=site.cms_variant,
        cms_version=site.cms_version,
        network=site.network,
        multisite_decision=site.multisite_decision,
        upstream_choice=site.upstream_choice,
        premium_option=site.premium_option,
        facts=site.facts,
        managed=engagement.type == "managed",
        has_ps_hours=any(budget.site_id is None and budget.limit_minutes > 0 for budget in kept.values()),
    )


def propose_path(session: AnySession, site: Site, engagement: Engagement) -> Proposal:
    """The path that fits a site, with the reason; of a site that was loaded for the actor."""
    return propose(subject_of(session, site, engagement))


def choose_path(session: AnySession, actor: Actor, site_id: UUID, runbook_id: str, *, now: datetime) -> SitePath:
    """Start a path on a site; one that was walked for the same purpose until now is replaced, and its steps are kept.

    In a managed engagement the team chooses, in a self-service one whoever is on it. Raises NotFound, NotAllowed, Guard
    for a site or an engagement that rests, Invalid at `runbook`.
    """
    site, engagement = sites.get_with_engagement(session, actor, site_id)
    actor.must(Permission.ANSWER)
    if engagement.type == "managed" and not actor.may(Permission.WORK_ON_SITES):
        raise NotAllowed("In a managed migration the team chooses the path.")
    session.refresh(site, with_for_update=AGAINST_EDITS)
    _check_open(site, engagement)
    known = catalogue_of(session, engagement)
    runbook = _chosen(known, site, engagement, runbook_id)
    reason = _reason_for(propose_path(session, site, engagement), runbook)
    for other in paths.of_site(session, site.id):
        if other.state != "active":
            continue
        if other.runbook == runbook.id:
            raise Invalid.at("runbook", "This site walks that path already.")
        if slot_of(other.runbook) == slot_of(runbook.id):
            _end(other, "replaced", now)
    session.flush()
    return _start(session, actor, site, known, runbook, reason, now)


def _start(
    session: AnySession, actor: Actor, site: Site, known: Catalogue, runbook: Runbook, reason: str, now: datetime
) -> SitePath:
    path = SitePath(
        engagement_id=site.engagement_id,
        site_id=site.id,
        runbook=runbook.id,
        catalogue_version=known.version,
        reason=reason,
        chosen_by=actor.person_id,
        chosen_at=now,
    )
    session.add(path)
    session.flush()
    session.add_all(
        PathStep(engagement_id=site.engagement_id, path_id=path.id, site_id=site.id, position=position, step=step.id)
        for position, step in enumerate(runbook.steps, 1)
    )
    session.flush()
    said = {"runbook": runbook.id, "reason": reason, "catalogue_version": known.version}
    audit.record(session, actor, site.engagement_id, "path.chosen", ("site_path", path.id), said)
    return path


def _check_open(site: Site, engagement: Engagement) -> None:
    if site.stage == "withdrawn" or engagement.status != "active":
        raise Guard("This site or its engagement is withdrawn, on hold or cancelled; its path rests.", rule="workable")


def _chosen(known: Catalogue, site: Site, engagement: Engagement, runbook_id: str) -> Runbook:
    runbook = known.paths.get(runbook_id)
    if runbook is None:
        raise Invalid.at(
            "runbook", f"There is no such path in catalogue {known.version}. Choose one of: {', '.join(known.paths)}."
        )
    if site.cms not in runbook.cms:
        raise Invalid.at("runbook", "That path is for another system than this site's.")
    if runbook.id == MANAGED and engagement.type != "managed":
        raise Invalid.at("runbook", "A self-service engagement has no managed migration. Choose the path that moves the site.")
    return runbook


def _reason_for(proposal: Proposal, runbook: Runbook) -> str:
    """Why this path: the proposal's words where it proposes this one."""
    for each in (proposal, proposal.calls):
        if each is not None and each.runbook_id == runbook.id:
            return f"{each.reason} This holds if {each.holds_if}." if each.holds_if else each.reason
    if slot_of(runbook.id) == "launch":
        return "Every site that serves domains of its own is launched by it."
    return "Chosen by hand, instead of the path that was proposed."


def _end(path: SitePath, state: str, now: datetime) -> None:
    path.state, path.ended_at = state, now
    path.version += 1


@dataclass(frozen=True)
class StepChange:
    """What is to change about a step; what is None stays. `done` false opens it again."""

    version: int | None
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    evidence: str | None = None
    confirmed: Sequence[str] | None = None
    done: bool | None = None
    skipped_reason: str | None = None
    on_behalf: bool = False


@dataclass(frozen=True)
class Walk:
    """A path with what its rules look at: its site and engagement, its steps, and what the catalogue says of it."""

    path: SitePath
    site: Site
    engagement: Engagement
    steps: Sequence[PathStep]
    catalogue: Catalogue

    @property
    def runbook(self) -> Runbook:
        return self.catalogue.paths[self.path.runbook]

    def said(self, step: PathStep) -> RunbookStep:
        """What the catalogue says of a step."""
        return next(each for each in self.runbook.steps if each.id == step.step)

    def doer(self, step: PathStep) -> str:
        """Whose turn a step is."""
        return doer_of(self.runbook, self.said(step), managed=self.engagement.type == "managed")

    @property
    def fallback(self) -> str | None:
        """The path to try where this one has failed; None where somebody has to be asked instead."""
        if self.path.state != "failed":
            return None
        return fallback_of(self.runbook, self.path.fault, self.site.facts, self.catalogue.paths)


def walks_of(session: AnySession, site: Site, engagement: Engagement) -> list[Walk]:
    """Every path of a site with its steps, active ones first, in two statements; of a site that was loaded for the actor."""
    found = paths.of_site(session, site.id)
    steps = paths.steps_of(session, [path.id for path in found])
    return [Walk(path, site, engagement, steps[path.id], catalogue(path.catalogue_version)) for path in found]


def walk_of(session: AnySession, actor: Actor, path_id: UUID) -> Walk:
    """One path with its steps. Raises NotFound."""
    path, site, engagement = paths.get(session, actor, path_id)
    steps = paths.steps_of(session, [path.id])[path.id]
    return Walk(path, site, engagement, steps, catalogue(path.catalogue_version))


def change_step(session: AnySession, actor: Actor, step_id: UUID, change: StepChange, *, now: datetime) -> PathStep:
    """Fill in a step, finish it, skip it with a reason, or open it again. The last step that is finished ends the path.

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard for the wrong order or an ended path, and Invalid at the field.
    """
    step = paths.get_step(session, actor, step_id)
    walk = _hold(session, actor, step.path_id)
    (step,) = [each for each in walk.steps if each.id == step_id]
    if change.version is not None and change.version != step.version:
        raise EditedMeanwhile
    check_doer(actor, walk.said(step), walk.doer(step), on_behalf=change.on_behalf or not _settles(change))
    if change.done is False:
        _reopen(walk, step)
    elif _says(change):
        _fill(session, walk, step, change, now)
    if change.skipped_reason is not None:
        _check_turn(walk, step)
        step.skipped_reason = check_skip(walk.runbook, walk.said(step), change.skipped_reason)
    elif change.done:
        _check_turn(walk, step)
        checks = checks_of(walk.said(step), walk.catalogue.runbooks)
        check_finish(walk.said(step), checks, inputs=step.inputs, evidence=step.evidence, confirmed=step.confirmed)
    if _settles(change):
        step.finished_at, step.finished_by = now, actor.person_id
        step.on_behalf = actor.is_staff and is_customers_own(walk.said(step), walk.doer(step))
    step.version += 1
    session.flush()
    audit.record(session, actor, step.engagement_id, _action(change), ("path_step", step.id), _say(step))
    _complete(session, actor, walk, now)
    return step


def _settles(change: StepChange) -> bool:
    return bool(change.done) or change.skipped_reason is not None


def _says(change: StepChange) -> bool:
    return bool(change.inputs) or change.evidence is not None or change.confirmed is not None


def _action(change: StepChange) -> str:
    if change.done is False:
        return "path_step.reopened"
    if change.skipped_reason is not None:
        return "path_step.skipped"
    return "path_step.finished" if change.done else "path_step.edited"


def _say(step: PathStep) -> dict[str, object]:
    return {
        "step": step.step,
        "inputs": dict(step.inputs),
        "evidence": step.evidence,
        "confirmed": list(step.confirmed),
        "skipped_reason": step.skipped_reason,
        "on_behalf": step.on_behalf,
    }


def _hold(session: AnySession, actor: Actor, path_id: UUID) -> Walk:
    """Take a path for this unit and read it and its steps anew. Raises NotFound, Guard for one that has ended."""
    path, site, engagement = paths.get(session, actor, path_id)
    actor.must(Permission.ANSWER)
    session.refresh(path, with_for_update=AGAINST_EDITS)
    _check_open(site, engagement)
    if path.state != "active":
        raise Guard(f"This path is {path.state}; its steps stay as they are.", rule="path_active")
    steps = paths.steps_of(session, [path.id], anew=True)[path.id]
    return Walk(path, site, engagement, steps, catalogue(path.catalogue_version))


def _check_turn(walk: Walk, step: PathStep) -> None:
    """Steps are settled in their order, each once."""
    if step.finished_at is not None:
        raise Guard("This step is settled already. Open it again to change it.", rule="settled")
    states = [StepState(each.step, each.finished_at is not None) for each in walk.steps]
    check_order(states, step.step, {each.id: each.title for each in walk.runbook.steps})


def _reopen(walk: Walk, step: PathStep) -> None:
    if step.finished_at is None:
        raise Guard("This step is open already.", rule="settled")
    later = [each.step for each in walk.steps if each.position > step.position and each.finished_at is not None]
    if later:
        raise Guard("Open the later steps again first, the last one before the others.", rule="order", missing=later[::-1])
    step.finished_at = step.finished_by = step.skipped_reason = None
    step.on_behalf = False


def _fill(session: AnySession, walk: Walk, step: PathStep, change: StepChange, now: datetime) -> None:
    """Write inputs, evidence and confirmations as they were said."""
    if step.finished_at is not None:
        raise Guard("This step is settled already. Open it again to change it.", rule="settled")
    said = walk.said(step)
    if change.inputs:
        read = read_inputs(walk.runbook, said, change.inputs)
        step.inputs = {name: text for name, text in (step.inputs | read).items() if text}
        _take_names(session, walk, read, now)
    if change.evidence is not None:
        step.evidence = read_kept("evidence", change.evidence, EVIDENCE_LENGTH)
    if change.confirmed is not None:
        step.confirmed = check_confirmed(checks_of(said, walk.catalogue.runbooks), change.confirmed)


def _take_names(session: AnySession, walk: Walk, read: Mapping[str, str], now: datetime) -> None:
    """A name on the platform stands for one site in the whole installation; whose it is, is nobody else's business."""
    for field_name in ("target_site_name", "target_site_names"):
        for name in target_names({field_name: read.get(field_name, "")}):
            if not paths.take_name(session, walk.site, name, now):
                raise Invalid.at(f"inputs.{field_name}", f"{name} is taken by another site. Choose another name.")
    if "target_site_name" in read or "target_site_names" in read:
        used = [name for step in walk.steps for name in target_names(step.inputs)]
        paths.release_names(session, walk.site.id, used, now)


def _complete(session: AnySession, actor: Actor, walk: Walk, now: datetime) -> None:
    """A path whose every step is settled is complete; never while a confirmation that cannot be skipped is missing."""
    if all(each.finished_at is not None for each in walk.steps):
        _end(walk.path, "complete", now)
        session.flush()
        said = {"runbook": walk.path.runbook}
        audit.record(session, actor, walk.path.engagement_id, "path.completed", ("site_path", walk.path.id), said)


@dataclass(frozen=True)
class Failure:
    """What went wrong: one of the importer's known faults, or in words."""

    fault: str | None = None
    message: str = ""


def fail_path(session: AnySession, actor: Actor, path_id: UUID, failure: Failure, *, now: datetime) -> SitePath:
    """Record that a run did not work. Raises NotFound, Guard for a path that has ended, Invalid at `fault` or `message`."""
    walk = _hold(session, actor, path_id)
    if walk.engagement.type == "managed" and not actor.may(Permission.WORK_ON_SITES):
        raise NotAllowed("In a managed migration the team records this. Tell them what you saw.")
    faults = {each.id: each for each in walk.catalogue.runbooks.import_faults}
    if failure.fault is not None and failure.fault not in faults:
        raise Invalid.at("fault", f"Choose one of: {', '.join(faults)}; or leave it out and write what happened.")
    message = read_kept("message", failure.message, REASON_LENGTH)
    if not message and failure.fault is None:
        raise Invalid.at("message", "Choose what the importer said, or write what happened.")
    path = walk.path
    path.fault, path.failure = failure.fault, message or faults[failure.fault or ""].message
    _end(path, "failed", now)
    session.flush()
    said = {"runbook": path.runbook, "fault": path.fault, "failure": path.failure}
    audit.record(session, actor, path.engagement_id, "path.failed", ("site_path", path.id), said)
    return path


def record_help(session: AnySession, actor: Actor, path_id: UUID, note: str, *, now: datetime) -> HelpedMigration:
    """Count a migration in which the team helped; the path's cap says how many a customer has, all engagements together.

    Raises NotFound, Guard for a path without such a cap, one counted already, and where the cap is used up.
    """
    path, _site, engagement = paths.get(session, actor, path_id)
    actor.must(Permission.WORK_ON_SITES)
    known = catalogue(path.catalogue_version)
    cap = known.caps.get(known.paths[path.runbook].helped_cap or "")
    if cap is None or cap.count is None:
        raise Guard("Help is counted on the plugin path of 2017 only.", rule="helped_cap")
    # The customer's row makes those who count at once take their numbers one after the other.
    customer = engagements.customer(session, engagement.customer_id)
    session.refresh(customer, with_for_update=AGAINST_EDITS)
    helped = paths.helped_of(session, customer.id)
    if any(each.site_path_id == path.id for each in helped):
        raise Guard("This migration is counted already.", rule="helped_once")
    if len(helped) >= cap.count:
        raise Guard(
            f"{cap.title}: up to {cap.count} for each customer, and all {cap.count} are used. Failures go to Support now.",
            rule="helped_cap",
            missing=["helped_migrations"],
        )
    row = HelpedMigration(
        customer_id=customer.id,
        number=len(helped) + 1,
        engagement_id=path.engagement_id,
        site_path_id=path.id,
        helped_at=now,
        helped_by=actor.person_id,
        note=read_kept("note", note, REASON_LENGTH),
    )
    session.add(row)
    session.flush()
    audit.record(
        session, actor, path.engagement_id, "path.helped", ("site_path", path.id), {"number": row.number, "of": cap.count}
    )
    return row
