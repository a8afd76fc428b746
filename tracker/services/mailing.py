"""Who gets a reminder by mail as well: whoever a date belongs to, where Slack does not reach them. Use cases share it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from tracker.domain.deadline import DeadlineKind
from tracker.domain.notice import TEAM_ONLY, Audience, Notice, Recipient, mail_key
from tracker.domain.preference import MailWish, PersonWish, may_wait
from tracker.domain.quiet import next_allowed
from tracker.domain.workday import Calendar
from tracker.store import cover as covers
from tracker.store import person as people
from tracker.store import preference as preferences
from tracker.store import setting
from tracker.store.database import AnySession
from tracker.store.person import Person

USUAL = PersonWish()
# Told within the last minutes of its use, a letter would be useless before it is read.
SHORTEST_USE = timedelta(minutes=30)


@dataclass(frozen=True)
class Letters:
    """Who is written to, as it is now."""

    people: Mapping[UUID, Person]
    wishes: Mapping[UUID, PersonWish]
    mentions: covers.Mentions

    def of(self, notice: Notice, owner_id: UUID | None) -> Notice | None:
        """The letter that goes with a notice to whoever its date belongs to, or to who covers for them; None for none.

        What the team says among itself is never written to somebody of a customer.
        """
        person = self._reader(owner_id, notice.due_at)
        if person is None or person.deactivated_at is not None:
            return None
        wish = self.wishes.get(person.id, USUAL)
        if wish.mail is MailWish.NEVER or (wish.mail is MailWish.WITHOUT_SLACK and person.slack_user_id is not None):
            return None
        internal = notice.audience == Audience.INTERNAL or notice.kind in TEAM_ONLY
        if internal and person.customer_id is not None:
            return None
        return replace(
            notice,
            key=mail_key(notice.key, person.id),
            to=Recipient(person.id, person.email),
            mention=None,
            due_at=_moment(notice, wish, person),
        )

    def _reader(self, owner_id: UUID | None, moment: datetime) -> Person | None:
        for cover in self.mentions.covers:
            if cover.person_id == owner_id and cover.starts_at <= moment < cover.ends_at:
                return self.people.get(cover.cover_id)
        return self.people.get(owner_id) if owner_id is not None else None


def _moment(notice: Notice, wish: PersonWish, person: Person) -> datetime:
    """When it is due, or the first moment after the reader's quiet hours."""
    kind, _, occasion = notice.kind.partition(".")
    if not wish.hours.quiet.is_set or not may_wait(DeadlineKind(kind), occasion):
        return notice.due_at
    calendar = Calendar(person.time_zone)
    return next_allowed(notice.due_at, wish.hours.quiet, calendar, latest=notice.useless_after - SHORTEST_USE)


NOBODY = Letters({}, {}, covers.Mentions({}, ()))


def letters_of(session: AnySession, owner_ids: Iterable[UUID], mentions: covers.Mentions) -> Letters:
    """Who is written to about these people's dates; nobody where no mail goes out. Three statements, one where it does not."""
    if not setting.mail_goes_out(session):
        return NOBODY
    ids = {*owner_ids, *(cover.cover_id for cover in mentions.covers)}
    return Letters(people.with_ids(session, ids), preferences.wishes_of(session, ids), mentions) if ids else NOBODY
