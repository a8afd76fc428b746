"""The guided paths of a site: which one fits, the ones that were chosen, and their steps."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Out
from tracker.domain.access import Permission
from tracker.domain.path import Proposal
from tracker.domain.path_step import ACTORS, checks_of
from tracker.services import path as service
from tracker.services.path import Failure, StepChange, Walk
from tracker.store import path as paths
from tracker.store import site as sites
from tracker.store.path import PathStep, SitePath

api = Api("path")


class OpenFactOut(Out):
    fact: str
    question: str


class ProposalOut(Out):
    runbook: str | None = Field(description="Null where each sub-site needs a site of its own first.")
    title: str | None
    reason: str
    rule: str
    holds_if: str | None = Field(description="What the proposal takes for granted, because nobody has said it.")
    alternatives: list[str]
    unknown: list[OpenFactOut]
    calls: "ProposalOut | None" = Field(description="The technical path inside a managed migration.")


class CheckOut(Out):
    id: str
    text: str
    by: str = Field(description="tracker: seen to here; person: confirmed by somebody, under `confirmed`")
    confirmed: bool


class StepOut(Out):
    id: UUID
    path_id: UUID
    version: int
    position: int
    step: str
    title: str
    actor: str = Field(description="Whose turn it is: " + ", ".join(ACTORS))
    inputs: dict[str, str | None]
    checks: list[CheckOut]
    optional_inputs: list[str]
    evidence_wanted: str
    evidence: str
    done: bool
    finished_by: UUID | None
    finished_at: datetime | None
    on_behalf: bool
    skipped_reason: str | None


class PathOut(Out):
    id: UUID
    engagement_id: UUID
    site_id: UUID
    version: int
    runbook: str
    title: str
    catalogue_version: int
    reason: str
    state: str
    chosen_by: UUID | None
    chosen_at: datetime
    ended_at: datetime | None
    fault: str | None
    failure: str | None
    next_runbook: str | None = Field(description="Of a failed path: the one to try now; null where somebody has to be asked.")
    steps: list[StepOut]


class RunbookOut(Out):
    proposal: ProposalOut
    paths: list[PathOut]


class RunbookIn(In):
    runbook: str = Field(max_length=100)


class StepPatch(In):
    inputs: dict[str, str | None] = Field(default_factory=dict)
    evidence: str | None = None
    confirmed: list[str] | None = Field(None, max_length=50, description="Ids of the checks that you confirm.")
    done: bool | None = Field(None, description="true finishes the step, false opens it again.")
    skipped_reason: str | None = Field(None, description="Skips the step.")
    on_behalf: bool = Field(default=False, description="Somebody of the team did a step of the customer's.")


class FailIn(In):
    fault: str | None = Field(None, max_length=100, description="One of the importer's known faults; see GET /catalog.")
    message: str = ""


class HelpedIn(In):
    note: str = ""


class HelpedOut(Out):
    id: UUID
    site_path_id: UUID
    number: int
    helped_at: datetime
    note: str


def proposal_out(proposal: Proposal, titles: dict[str, str]) -> ProposalOut:
    """A proposal, and the one inside it."""
    return ProposalOut(
        runbook=proposal.runbook_id,
        title=titles.get(proposal.runbook_id or ""),
        reason=proposal.reason,
        rule=proposal.rule,
        holds_if=proposal.holds_if,
        alternatives=list(proposal.alternatives),
        unknown=[OpenFactOut(fact=each.fact, question=each.question) for each in proposal.unknown],
        calls=proposal_out(proposal.calls, titles) if proposal.calls else None,
    )


def step_out(walk: Walk, step: PathStep) -> StepOut:
    """A step with what the catalogue says of it."""
    said = walk.said(step)
    checks = [
        CheckOut(id=check.id, text=check.text, by="tracker" if check.here else "person", confirmed=check.id in step.confirmed)
        for check in checks_of(said, walk.catalogue.runbooks)
    ]
    named: dict[str, Any] = {
        name: getattr(step, name)
        for name in ("id", "path_id", "version", "position", "step", "evidence", "finished_by", "finished_at", "on_behalf")
    }
    return StepOut(
        **named,
        title=said.title,
        actor=walk.doer(step),
        inputs={name: step.inputs.get(name) for name in said.asked},
        optional_inputs=list(said.optional_inputs),
        checks=checks,
        evidence_wanted=said.evidence,
        done=step.finished_at is not None,
        skipped_reason=step.skipped_reason,
    )


def path_out(walk: Walk) -> PathOut:
    """A path with its steps in their order."""
    path: SitePath = walk.path
    named: dict[str, Any] = {
        name: getattr(path, name) for name in PathOut.model_fields if name not in ("title", "steps", "next_runbook")
    }
    return PathOut(
        **named, title=walk.runbook.title, next_runbook=walk.fallback, steps=[step_out(walk, step) for step in walk.steps]
    )


@api.get("/sites/<uuid:site_id>/runbook", Permission.SEE_ENGAGEMENTS)
def get_runbook(call: Call, site_id: UUID) -> RunbookOut:
    """The path that fits a site and why, what is not known yet, and the paths that were chosen, active ones first."""
    site, engagement = sites.get_with_engagement(call.session, call.actor, site_id)
    known = service.catalogue_of(call.session, engagement)
    proposal = service.propose_path(call.session, site, engagement)
    walks = service.walks_of(call.session, site, engagement)
    titles = {name: runbook.title for name, runbook in known.paths.items()}
    return RunbookOut(proposal=proposal_out(proposal, titles), paths=[path_out(walk) for walk in walks])


@api.post("/sites/<uuid:site_id>/runbook", Permission.ANSWER)
def choose_runbook(call: Call, site_id: UUID, body: RunbookIn) -> PathOut:
    """Start a path on a site. One that was walked for the same purpose is replaced. In a managed engagement the team chooses."""
    path = service.choose_path(call.session, call.actor, site_id, body.runbook, now=call.now)
    return path_out(service.walk_of(call.session, call.actor, path.id))


@api.get("/path-steps/<uuid:step_id>", Permission.SEE_ENGAGEMENTS)
def get_path_step(call: Call, step_id: UUID) -> StepOut:
    """One step."""
    step = paths.get_step(call.session, call.actor, step_id)
    return step_out(service.walk_of(call.session, call.actor, step.path_id), step)


@api.patch("/path-steps/<uuid:step_id>", Permission.ANSWER)
def change_path_step(call: Call, step_id: UUID, body: StepPatch) -> StepOut:
    """Fill in a step, finish it, skip it with a reason, or open it again. The wrong order answers 409 `guard`."""
    change = StepChange(
        version=call.version,
        inputs=body.inputs,
        evidence=body.evidence,
        confirmed=body.confirmed,
        done=body.done,
        skipped_reason=body.skipped_reason,
        on_behalf=body.on_behalf,
    )
    step = service.change_step(call.session, call.actor, step_id, change, now=call.now)
    return step_out(service.walk_of(call.session, call.actor, step.path_id), step)


@api.post("/site-paths/<uuid:path_id>/fail", Permission.ANSWER, 200)
def fail_path(call: Call, path_id: UUID, body: FailIn) -> PathOut:
    """Record that a run did not work: what the importer said. `next_runbook` is the path to try now."""
    failure = Failure(body.fault, body.message)
    service.fail_path(call.session, call.actor, path_id, failure, now=call.now)
    return path_out(service.walk_of(call.session, call.actor, path_id))


@api.post("/site-paths/<uuid:path_id>/helped", Permission.WORK_ON_SITES)
def record_help(call: Call, path_id: UUID, body: HelpedIn) -> HelpedOut:
    """Count a migration in which the team helped: up to five for each customer, on the plugin path of 2017."""
    row = service.record_help(call.session, call.actor, path_id, body.note, now=call.now)
    return HelpedOut(id=row.id, site_path_id=row.site_path_id, number=row.number, helped_at=row.helped_at, note=row.note)
