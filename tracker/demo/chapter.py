"""What the chapters of the story share: an agreement, a site, hours, dates, steps of a site's way."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from uuid import UUID

from tracker.demo.cast import ENGINEER, MANAGER
from tracker.demo.teller import Teller
from tracker.domain.access import Actor
from tracker.domain.budget import WorkKind
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.engagement import Windows
from tracker.domain.time_entry import Work
from tracker.services import deadline, engagement, requirements, site, time_entry
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.engagement import AgreementSpec, EngagementSpec
from tracker.services.site import SiteChange
from tracker.store import deadline as deadlines
from tracker.store.database import db

STAGES = ("qualified", "migrating", "migrated", "remediating", "ready_for_uat")


@dataclass
class Chapter:
    """One engagement as it is told: who tells it, and which one it is."""

    teller: Teller
    engagement_id: UUID

    @property
    def manager(self) -> Actor:
        return self.teller.people[MANAGER]

    @property
    def engineer(self) -> Actor:
        return self.teller.people[ENGINEER]

    @classmethod
    def open(cls, teller: Teller, name: str, customer: str, *, ago: int, windows: Windows, **over: Any) -> "Chapter":
        """Open an engagement so many business days ago; its agreement was signed a week before. Mei works on it."""
        manager, engineer = teller.people[MANAGER], teller.people[ENGINEER]
        agreement = AgreementSpec(over.pop("reference"), teller.workday(-ago - 5), windows)
        spec = EngagementSpec(
            name=name, customer=customer, agreement=agreement, manager=MANAGER, account_rep="Lena Fischer", **over
        )
        with teller.step(ago) as now:
            made = engagement.create_engagement(db.session, manager, spec, now=now)
            assert engineer.person_id is not None
            engagement.add_member(db.session, manager, made.id, engineer.person_id, now=now)
            return cls(teller, made.id)

    def list_site(self, name: str, url: str, *, ago: int, **over: Any) -> UUID:
        """Put a site on the list."""
        with self.teller.step(ago) as now:
            return site.add_site(
                db.session, self.manager, self.engagement_id, SiteChange({"name": name, "url": url} | over), now=now
            ).id

    def agree(self, *, ago: int, signed_by: Actor | None = None) -> None:
        """Agree the requirements, and have them signed an hour later."""
        with self.teller.step(ago) as now:
            digest = requirements.agree_requirements(db.session, self.manager, self.engagement_id, now=now).hash
        if signed_by is not None:
            with self.teller.step(ago, time(11)) as now:
                requirements.sign(db.session, signed_by, self.engagement_id, "requirements", digest, now=now)

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

    def walk(self, site_id: UUID, stages: Iterable[str], *, ago: int) -> None:
        """Take a site from stage to stage."""
        for stage in stages:
            with self.teller.step(ago) as now:
                site.move_site(db.session, self.manager, site_id, stage, now=now)

    def log(self, site_id: UUID, minutes: int, note: str, *, ago: int, upto: str = "approved", **over: Any) -> None:
        """Book work of Mei's, and carry it as far as said."""
        said: dict[str, Any] = {"kind": WorkKind.ALLOWANCE, "activity": "research"} | over
        work = Work(site_id=site_id, worked_on=self.day(ago), minutes=minutes, note=note, **said)
        with self.teller.step(ago, time(16)) as now:
            entry = time_entry.book(db.session, self.engineer, work, now=now)[0].entry
            if upto in ("submitted", "approved"):
                time_entry.submit(db.session, self.engineer, entry.id, now=now)
            if upto == "approved":
                time_entry.approve(db.session, self.manager, entry.id, now=now)

    def day(self, ago: int) -> date:
        """The business day so many business days ago."""
        return self.teller.workday(-ago)
