"""What the chapters of the story share: an agreement, its sites, dates, duties, hours, and what people say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from tracker.demo.cast import ENGINEER, MANAGER
from tracker.demo.teller import AFTERNOON, EVENING, MORNING, Teller
from tracker.domain.access import Actor
from tracker.domain.budget import WorkKind
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.duty import DutyState
from tracker.domain.engagement import Windows
from tracker.domain.freeze import FreezeAnswer, FreezeKind
from tracker.domain.link import LinkKind
from tracker.domain.move import Target
from tracker.domain.notice import Audience
from tracker.domain.path_step import checks_of
from tracker.domain.time_entry import Work
from tracker.intake.inventory.registry import read_inventory
from tracker.services import (
    comment,
    deadline,
    duty,
    engagement,
    fact,
    freeze,
    hours_lock,
    inventory,
    link,
    path,
    question,
    requirements,
    scope,
    site,
    time_entry,
    timer,
    weekly_update,
)
from tracker.services.comment import CommentSpec
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.duty import DutyChange
from tracker.services.engagement import AgreementSpec, EngagementSpec
from tracker.services.fact import FactsChange
from tracker.services.link import LinkSpec
from tracker.services.question import QuestionChange, QuestionSpec
from tracker.services.scope import ItemChange
from tracker.services.site import SiteChange
from tracker.services.timer import StartOrder
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import freeze as freezes
from tracker.store import question as questions
from tracker.store import requirements as agreements
from tracker.store import scope as scopes
from tracker.store.database import db

EVIDENCE = {
    "transfer-code-db-files": "Checked on Dev: page, file and row counts match the source.",
    "extension-audit": "The list is under Inventory, each with a verdict.",
    "install-advanced-page-cache": "Active on Dev and Test; the headers show hits.",
    "install-object-cache": "Redis is on; the object cache answers on Test.",
    "redirects-to-php": "212 redirects moved; a sample of 40 checked by script.",
    "email-external": "Mail goes out by the customer's own relay; three forms tried.",
}
CHECKED = "Done and checked on Dev and Test; see the transfer report."


@dataclass
class Chapter:
    """One engagement as it is told: who tells it, which one it is, and whose approver signs."""

    teller: Teller
    engagement_id: UUID
    approver: Actor

    @property
    def manager(self) -> Actor:
        return self.teller.people[MANAGER]

    @property
    def engineer(self) -> Actor:
        return self.teller.people[ENGINEER]

    @classmethod
    def open(
        cls, teller: Teller, name: str, customer: str, approver: str, *, ago: int, windows: Windows, reference: str, **over: Any
    ) -> "Chapter":
        """Open an engagement so many business days ago; its agreement was signed a week before. Mei works on it."""
        teller.begin()
        manager, engineer = teller.people[MANAGER], teller.people[ENGINEER]
        agreement = AgreementSpec(reference, teller.workday(-ago - 5), windows)
        spec = EngagementSpec(
            name=name, customer=customer, agreement=agreement, manager=MANAGER, account_rep="Lena Fischer", **over
        )
        with teller.step(ago) as now:
            made = engagement.create_engagement(db.session, manager, spec, now=now)
            assert engineer.person_id is not None
            engagement.add_member(db.session, manager, made.id, engineer.person_id, now=now)
            return cls(teller, made.id, teller.people[approver])

    def day(self, ago: int) -> date:
        """The business day so many business days ago; today at the latest."""
        return min(self.teller.workday(-ago), self.teller.now.date())

    # Sites

    def list_site(self, name: str, url: str, *, ago: int, **over: Any) -> UUID:
        """Put a site on the list."""
        with self.teller.step(ago) as now:
            change = SiteChange({"name": name, "url": url} | over)
            return site.add_site(db.session, self.manager, self.engagement_id, change, now=now).id

    def answer(self, site_id: UUID, said: Mapping[str, Any], *, ago: int) -> None:
        """The customer's approver answers the questionnaire of a site, or some of it."""
        with self.teller.step(ago, AFTERNOON) as now:
            fact.answer_facts(db.session, self.approver, site_id, FactsChange(dict(said)), now=now)

    def settle(self, site_id: UUID, *, ago: int) -> None:
        """Do what has to be done before a site's acceptance test."""
        with self.teller.step(ago) as now:
            for item in scopes.holding_up_uat(db.session, site_id):
                done = ItemChange({"work_state": "done", "evidence": EVIDENCE.get(item.item, CHECKED)})
                scope.change_item(db.session, self.engineer, item.id, done, now=now)

    def walk(self, site_id: UUID, stages: Iterable[str], *, ago: int, clock: time = MORNING) -> None:
        """Take a site from stage to stage."""
        for stage in stages:
            with self.teller.step(ago, clock) as now:
                site.move_site(db.session, self.manager, site_id, stage, now=now)

    def send_inventory(self, site_id: UUID, name: str, lines: Iterable[str], *, ago: int) -> None:
        """Send the list of what is installed on a site."""
        with self.teller.step(ago) as now:
            read = read_inventory("\n".join(lines).encode())
            inventory.import_file(db.session, self.approver, site_id, read, now=now, name=name)

    def follow_path(self, site_id: UUID, runbook: str, inputs: Mapping[str, str], *, steps: int, ago: int) -> None:
        """Choose a path for a site and do its first steps, the customer's ones on their behalf."""
        with self.teller.step(ago) as now:
            chosen = path.choose_path(db.session, self.manager, site_id, runbook, now=now).id
            walked = path.walk_of(db.session, self.manager, chosen)
            for step in list(walked.steps)[:steps]:
                said = walked.said(step)
                checks = [check.id for check in checks_of(said, walked.catalogue.runbooks)]
                values = {name: inputs.get(name, "As agreed at the kick-off.") for name in said.inputs}
                theirs = walked.doer(step) == "customer"
                change = path.StepChange(None, values, "Noted in the project channel.", checks, done=True, on_behalf=theirs)
                path.change_step(db.session, self.manager, step.id, change, now=now)

    # What is signed

    def agree(self, *, ago: int, signed: bool = True) -> None:
        """Agree the requirements, and have them signed in the afternoon."""
        with self.teller.step(ago) as now:
            requirements.agree_requirements(db.session, self.manager, self.engagement_id, now=now)
        if signed:
            self.sign("requirements", ago=ago)

    def sign(self, subject: str, *, ago: int, site_id: UUID | None = None, clock: time = AFTERNOON) -> None:
        """Put the approver's name under something."""
        with self.teller.step(ago, clock) as now:
            agreed = agreements.latest(db.session, self.engagement_id)
            assert agreed is not None
            requirements.sign(db.session, self.approver, self.engagement_id, subject, agreed.hash, now=now, site_id=site_id)

    def answer_freeze(self, site_id: UUID, kind: FreezeKind, *, ago: int) -> None:
        """Agree to a freeze of a site."""
        freeze_id = self.freeze_of(site_id, kind)
        with self.teller.step(ago) as now:
            freeze.acknowledge(db.session, self.approver, freeze_id, FreezeAnswer.FREEZE, now=now)

    def freeze_of(self, site_id: UUID, kind: FreezeKind) -> UUID:
        """The freeze of a site that is next or on."""
        return next(row.freeze.id for row in freezes.open_of_site(db.session, site_id) if row.freeze.kind == kind)

    # Dates and duties

    def set_date(
        self, kind: DeadlineKind, dates: Dates, *, ago: int, site_id: UUID | None = None, title: str | None = None
    ) -> UUID:
        """Enter a date."""
        spec = DateSpec(kind, dates, site_id, title=title)
        with self.teller.step(ago) as now:
            return deadline.set_date(db.session, self.manager, self.engagement_id, spec, now=now).id

    def finish(self, kind: DeadlineKind, *, ago: int, site_id: UUID | None = None) -> None:
        """Say that what a date asks for is done."""
        with self.teller.step(ago) as now:
            found = deadlines.one(db.session, self.engagement_id, site_id, kind)
            assert found is not None, kind
            deadline.change_date(db.session, self.manager, found.id, DateChange(None, done_at=now), now=now)

    def do_duty(self, kind: str, evidence: str, *, ago: int, site_id: UUID | None = None) -> None:
        """The approver completes a duty."""
        done = DutyChange(None, frozenset({"state", "evidence"}), DutyState.DONE, evidence)
        self._change_duty(self.approver, kind, done, ago, site_id)

    def expect_duty(self, kind: str, *, ago: int, due_on: date | None = None, site_id: UUID | None = None) -> None:
        """Say that the approver does a duty, and by when."""
        said = frozenset({"owner_id"} | ({"due_on"} if due_on else set()))
        change = DutyChange(None, said, due_on=due_on, owner_id=self.approver.person_id)
        self._change_duty(self.manager, kind, change, ago, site_id)

    def _change_duty(self, who: Actor, kind: str, change: DutyChange, ago: int, site_id: UUID | None) -> None:
        with self.teller.step(ago) as now:
            found = duties.one(db.session, self.engagement_id, site_id, kind)
            assert found is not None, kind
            duty.change_duty(db.session, who, found.id, change, now=now)

    # Hours and words

    def log(
        self, site_id: UUID, minutes: int, note: str, *, ago: int, upto: str = "approved", by: str = ENGINEER, **over: Any
    ) -> None:
        """Book work in the afternoon of its day, and carry it as far as said; it is approved the day after.

        What is `moved` turns out to have been included work.
        """
        said: dict[str, Any] = {"kind": WorkKind.ALLOWANCE} | over
        if said["kind"] is WorkKind.ALLOWANCE:
            said = {"activity": "research"} | said
        work = Work(site_id=site_id, worked_on=self.day(ago), minutes=minutes, note=note, **said)
        who, made = self.teller.people[by], list[UUID]()

        def book(now: datetime) -> None:
            made.append(time_entry.book(db.session, who, work, now=now)[0].entry.id)
            if upto != "draft":
                time_entry.submit(db.session, who, made[0], now=now)

        def decide(now: datetime) -> None:
            if upto == "rejected":
                time_entry.reject(db.session, self.manager, made[0], "That was the kick-off; it is not booked.", now=now)
                return
            time_entry.approve(db.session, self.manager, made[0], now=now)
            if upto == "reversed":
                time_entry.reverse(db.session, self.manager, made[0], "Booked on the wrong site.", now=now)
            if upto == "moved":
                time_entry.move(db.session, self.manager, made[0], Target(WorkKind.INCLUDED), now=now)

        self.teller.meanwhile(ago, EVENING, book)
        if upto not in ("draft", "submitted"):
            self.teller.meanwhile(ago - 1, MORNING, decide)

    def close_hours(self, *, through: int, ago: int, reason: str) -> None:
        """The manager closes the hours through a day so many days ago."""

        def close(now: datetime) -> None:
            hours_lock.close_hours(db.session, self.manager, self.engagement_id, self.day(through), reason, now=now)

        self.teller.meanwhile(ago, MORNING, close)

    def time_in_vain(self, site_id: UUID, note: str, *, ago: int, began: time, ended: time) -> None:
        """Research that was timed for longer than the allowance holds: it waits for a place."""
        order = StartOrder(site_id, WorkKind.ALLOWANCE, "research", note=note)
        self.teller.meanwhile(ago, began, lambda now: timer.start(db.session, self.engineer, order, now=now))
        self.teller.meanwhile(ago, ended, lambda now: timer.stop(db.session, self.engineer, now=now))

    def start_timer(self, site_id: UUID, note: str) -> None:
        """Included work that goes on while the demo is looked at."""
        with self.teller.step(0) as now:
            timer.start(db.session, self.engineer, StartOrder(site_id, WorkKind.INCLUDED, note=note), now=now)

    def say(
        self, who: Actor, text: str, *, ago: int, site_id: UUID | None = None, team_only: bool = False, clock: time = AFTERNOON
    ) -> None:
        """Write a comment."""
        spec = CommentSpec(text, Audience.INTERNAL if team_only else Audience.CUSTOMER, site_id)
        with self.teller.step(ago, clock) as now:
            comment.comment(db.session, who, self.engagement_id, spec, now=now)

    def add_links(self, links: Iterable[tuple[LinkKind, str, str, Audience]], *, ago: int) -> None:
        """Link the papers of the engagement."""
        for kind, title, address, reader in links:
            with self.teller.step(ago) as now:
                spec = LinkSpec(kind, title, address, reader)
                link.add_link(db.session, self.manager, self.engagement_id, spec, now=now)

    def ask(self, specs: Iterable[QuestionSpec], *, ago: int) -> None:
        """Ask what is not known yet."""
        for spec in specs:
            with self.teller.step(ago) as now:
                question.ask(db.session, self.manager, self.engagement_id, spec, now=now)

    def ask_again(self, site_id: UUID, *, ago: int, due_on: date) -> None:
        """Put the approver's name and a new date to what a site's questionnaire leaves open."""
        values = {"owner_id": self.approver.person_id, "due_on": due_on}
        for each in questions.open_of(db.session, self.engagement_id, site_id=site_id, side="customer"):
            with self.teller.step(ago) as now:
                question.change_question(db.session, self.manager, each.id, QuestionChange(dict(values)), now=now)

    def update_last_week(self) -> None:
        """Compose last week's update from the facts as they were, and post it."""

        def post(now: datetime) -> None:
            drafted = weekly_update.compose_update(db.session, self.manager, self.engagement_id, now=now)
            weekly_update.post_update(db.session, self.manager, drafted.id, now=now)

        self.teller.meanwhile(self.teller.last_week(), time(15), post)
