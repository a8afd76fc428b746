"""Which site and whom a row of hours means, and which entry it names. The import of hours uses it; no edge calls it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid
from tracker.domain.site import read_address
from tracker.domain.time_entry import Work
from tracker.domain.time_import import EntryRow
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import time_sheet
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry

# The same for a site that is not there and for one that is not the actor's to know of.
NO_SITE = "There is no such site, or it is not yours to log on."
OWN_HOURS = "You log your own hours. An engagement manager enters those of others."
OPTIONAL = ("activity", "known_issue_id", "ps_kind")


@dataclass(frozen=True)
class Ground:
    """What the rows of a file may speak of, as far as the actor may know of it; read in three statements."""

    actor: Actor
    sites: Mapping[UUID, tuple[Site, Engagement]]
    by_word: Mapping[str, Mapping[str, list[Site]]]
    people: Mapping[str, Person]
    entries: Mapping[UUID, tuple[TimeEntry, str]]

    @classmethod
    def of(cls, session: AnySession, actor: Actor, rows: Sequence[EntryRow]) -> "Ground":
        """Read it."""
        words = {text for row in rows for name in ("site", "site_url") if (text := row.said.get(name))}
        ids = {UUID(text) for row in rows if (text := row.said.get("site_id"))} | {
            meant for each in words if (meant := _id(each))
        }
        keys = {key for each in words if (key := _url_key(each))}
        mails = {mail for row in rows if (mail := _mail(row))}
        named = {entry_id for row in rows if (entry_id := row.entry_id)}
        written = time_sheet.written(session, actor, named) if named else {}
        ids |= {entry.site_id for entry, _email in written.values()}
        found = sites.named(session, actor, ids=ids, url_keys=keys, name_keys={each.casefold() for each in words})
        by_word: dict[str, dict[str, list[Site]]] = {"id": defaultdict(list), "url": defaultdict(list), "name": defaultdict(list)}
        for site, _engagement in found:
            for kind, word in (("id", str(site.id)), ("url", site.url_key), ("name", site.name_key)):
                by_word[kind][word].append(site)
        known = people.with_emails(session, mails) if mails else {}
        return cls(actor, {site.id: (site, engagement) for site, engagement in found}, by_word, known, written)

    def understand(self, row: EntryRow) -> tuple[Work, TimeEntry | None]:
        """The work that a row states, and the entry that it names. Raises Invalid at the site, the person or the id."""
        candidates = self._sites_of(row)
        named = self.entries.get(row.entry_id) if row.entry_id else None
        if named is not None:
            entry, email = named
            self._check_same(row, entry, email, candidates)
            return row.work(entry.site_id, entry.person_id), entry
        return row.work(self._one_of(candidates).id, self._person_of(row)), None

    def _sites_of(self, row: EntryRow) -> list[Site]:
        """Every site that a row may mean: all that it says of the site has to fit."""
        said, found = row.said, None
        for column in ("site_id", "site_url", "site"):
            if column not in said:
                continue
            meant = self._meant(column, said[column])
            if not meant:
                raise Invalid.at(column, NO_SITE)
            both = meant if found is None else [site for site in found if site in meant]
            if not both:
                raise Invalid.at(column, "That is another site than the rest of the row says. Mend one, or leave it out.")
            found = both
        assert found is not None, "a row names its site"
        if "engagement" in said:
            wanted = said["engagement"].casefold()
            found = [site for site in found if self.sites[site.id][1].name_key == wanted]
            if not found:
                raise Invalid.at("engagement", "This engagement has no such site, or it is not yours to log on.")
        return found

    def _meant(self, column: str, text: str) -> list[Site]:
        if column != "site_url" and (site_id := _id(text)):
            return self.by_word["id"].get(str(site_id), [])
        at_address = self.by_word["url"].get(_url_key(text) or "", [])
        if column == "site_url":
            return at_address
        return at_address + [site for site in self.by_word["name"].get(text.casefold(), []) if site not in at_address]

    def _one_of(self, candidates: Sequence[Site]) -> Site:
        """The site that is meant; a withdrawn one only where there is no other."""
        there = [site for site in candidates if site.stage != "withdrawn"] or candidates
        if len(there) == 1:
            return there[0]
        where = sorted({self.sites[site.id][1].name for site in there})
        message = (
            f"Several sites are called so, in {', '.join(where[:3])}. Say which by its address or id, or name the engagement."
        )
        raise Invalid.at("site", message)

    def _person_of(self, row: EntryRow) -> UUID:
        """Whose hours they are: the actor's own where the row does not say. Raises Invalid."""
        assert self.actor.person_id is not None
        mail = _mail(row)
        if mail is None:
            name = row.said.get("person")
            if name is None or name.casefold() == self.actor.name.casefold():
                return self.actor.person_id
            if not self.actor.may(Permission.APPROVE_TIME):
                raise Invalid.at("person", OWN_HOURS)
            raise Invalid.at("person", "Say whose hours they are by their e-mail address, in a column person_email.")
        person = self.people.get(mail)
        if person is not None and person.id == self.actor.person_id:
            return person.id
        if not self.actor.may(Permission.APPROVE_TIME):
            # The same whether there is such a person or not: who logs their own only learns nothing of the others.
            raise Invalid.at("person_email", OWN_HOURS)
        if person is None:
            raise Invalid.at("person_email", "Nobody here has this address.")
        return person.id

    def _check_same(self, row: EntryRow, entry: TimeEntry, email: str, candidates: Sequence[Site]) -> None:
        """Raises Invalid at `id` where a row says of an entry something else than the entry does."""
        said = row.said
        # A reversal may say its minutes in words only, which are not read.
        stated = {"worked_on": entry.worked_on.isoformat(), "minutes": entry.minutes, "kind": entry.kind}
        stated |= {name: getattr(entry, name) for name in OPTIONAL} | {"note": entry.note}
        read = {name: said.get(name) for name in OPTIONAL} | {"note": "", "minutes": entry.minutes} | dict(said)
        other = [name for name, value in stated.items() if read[name] != value]
        if entry.site_id not in {site.id for site in candidates}:
            other.append("site")
        if _mail(row) not in (None, email):
            other.append("person_email")
        if other:
            said_otherwise = " and ".join(each.replace("_", " ") for each in other)
            message = (
                f"The entry of this id has another {said_otherwise}. Reverse it to correct it, and leave the id out to log anew."
            )
            raise Invalid.at("id", message)


def _mail(row: EntryRow) -> str | None:
    """The address by which a row names somebody, in whichever of the two columns it stands."""
    named = row.said.get("person_email") or row.said.get("person", "")
    return named.lower() if "@" in named else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _url_key(text: str) -> str | None:
    try:
        return read_address(text).key
    except Invalid:
        return None
