"""Brings scope items and fact questions in line with the catalogue and with what is known. Use cases share it; no edge calls it.

What somebody decided by hand stays, and so does the state of the work. A fixed number of statements, however many
sites there are and however much there is to decide. Source: docs/rules/scope.md.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from tracker.catalog import loader
from tracker.domain.access import SYSTEM, Actor, Role
from tracker.domain.catalogue import Catalogue
from tracker.domain.deadline import DeadlineKind
from tracker.domain.fact import COLUMN_FACTS, EVERY_FACT, FACTS, say_answer
from tracker.domain.scope import Decision, Line, lines_of_engagement, lines_of_site, say_clause
from tracker.services.planning import calendar_of
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import question as questions
from tracker.store import scope as scopes
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.question import Question
from tracker.store.scope import ScopeItem
from tracker.store.site import Site

# Keeps other edits waiting, but not those who only refer to the row, such as a booking.
AGAINST_EDITS = {"key_share": True}
ANSWER_WITHIN = 5  # business days, where the engagement has no inventory date ahead
NO_LONGER = "This extra is not the site's any more."


@dataclass(frozen=True)
class Terms:
    """Who answers for each side, where that is one person, and by when."""

    owners: Mapping[str, UUID | None]
    due_on: date


def catalogue_of(session: AnySession, engagement_id: UUID) -> Catalogue:
    """The catalogue on which an engagement was agreed; the newest where there is no agreement."""
    agreement = engagements.agreement_of(session, engagement_id)
    return loader.newest() if agreement is None else loader.catalogue(agreement.catalogue_version)


def hold(session: AnySession, engagement: Engagement, *rows: Site | ScopeItem | Question) -> None:
    """Hold an engagement for this unit, then rows of it, and read them anew: whoever decides on its scope comes one by one."""
    session.flush()
    for row in (engagement, *rows):
        session.refresh(row, with_for_update=AGAINST_EDITS)


def known_of(site: Site) -> dict[str, Any]:
    """Everything that is known of a site, as the rules ask for it: its own fields and its facts in one."""
    fields = ("cms", "cms_variant", "network", "plan", "upstream_choice", "package", "premium_option")
    return {**site.facts, **{name: getattr(site, name) for name in fields}}


def changed_of(site: Site, before: Mapping[str, Any]) -> set[str]:
    """What is known otherwise now."""
    now_known = known_of(site)
    return {key for key in {*before, *now_known} if now_known.get(key) != before.get(key)}


def put_facts(site: Site, actor: Actor, said: Mapping[str, Any], *, source: str, now: datetime) -> None:
    """Write what was said about a site, and for each fact that changed where it comes from."""
    before = known_of(site)
    site.facts = {**site.facts, **{key: value for key, value in said.items() if key in FACTS}}
    for key in COLUMN_FACTS:
        if key in said:
            setattr(site, key, said[key])
    note_sources(site, actor, changed_of(site, before), source=source, now=now)


def note_sources(site: Site, actor: Actor, changed: Iterable[str], *, source: str, now: datetime) -> None:
    """Keep who said what and when; of what nobody knows any more, nothing."""
    sources, known = dict(site.fact_sources or {}), known_of(site)
    for key in set(changed) & set(EVERY_FACT):
        sources.pop(key, None)
        if known.get(key) is not None:
            by = str(actor.person_id) if actor.person_id else None
            sources[key] = {"source": source, "by": by, "at": now.isoformat()}
    site.fact_sources = sources


def consider(session: AnySession, engagement: Engagement, site: Site, *, now: datetime) -> None:
    """Decide a site's scope by the rules, and ask for what they miss. The engagement's row is held by the caller."""
    consider_sites(session, engagement, [site], now=now)


def consider_sites(session: AnySession, engagement: Engagement, considered: Sequence[Site], *, now: datetime) -> None:
    """The same for many sites of one engagement, with as many statements as for one."""
    session.flush()
    if engagement.type != "managed":
        return
    catalogue, ids = catalogue_of(session, engagement.id), [site.id for site in considered]
    stored = scopes.of_sites(session, ids)
    asked = questions.asked_facts(session, ids)
    with session.no_autoflush:
        # Asked for once at most; what is decided meanwhile is written at the end, all together.
        terms = cache(lambda: Terms(_who_answers(session, engagement), _due_on(session, engagement, now)))
        for site in considered:
            items, wanted = stored[site.id], list[str]()
            if site.stage != "withdrawn":
                lines = list(lines_of_site(catalogue, known_of(site)))
                _bring_in_line(session, engagement, site, catalogue, lines, items, now=now)
                open_lines = (line for line in lines if line.item not in items or items[line.item].by_rule)
                wanted = list(dict.fromkeys(fact for line in open_lines for fact in line.ruling.missing_facts))
            _ask(session, site, wanted, asked[site.id], terms, now)
    session.flush()


def consider_engagement(session: AnySession, engagement: Engagement, *, now: datetime) -> None:
    """Note what belongs to the engagement as a whole: what is included once, and what is out of scope."""
    session.flush()
    if engagement.type == "managed":
        catalogue = catalogue_of(session, engagement.id)
        stored = {item.item: item for item in scopes.of_engagement(session, engagement.id, anew=True)}
        _bring_in_line(session, engagement, None, catalogue, list(lines_of_engagement(catalogue)), stored, now=now)
        session.flush()


def _bring_in_line(
    session: AnySession,
    engagement: Engagement,
    site: Site | None,
    catalogue: Catalogue,
    lines: Collection[Line],
    stored: Mapping[str, ScopeItem],
    *,
    now: datetime,
) -> None:
    decided: dict[str, str] = {}
    for line in lines:
        item = stored.get(line.item)
        if item is None:
            item = ScopeItem(engagement_id=engagement.id, site_id=site.id if site else None, item=line.item, created_at=now)
            session.add(item)
        elif not item.by_rule or (item.decision, item.reason) == (line.ruling.decision, line.ruling.reason):
            continue
        else:
            item.version += 1
        _write(item, line, catalogue, now)
        decided[line.item] = line.ruling.decision
    for name in set(stored) - {line.item for line in lines}:
        item = stored[name]
        if item.by_rule and item.decision != Decision.NOT_APPLICABLE:
            item.decision, item.reason, item.route, item.decided_at = Decision.NOT_APPLICABLE, NO_LONGER, None, now
            item.version += 1
            decided[name] = item.decision
    # With an engagement that is being made, what holds for all of them is made too: that is no change of its own.
    if decided and (site is not None or stored):
        subject = ("site", site.id) if site else ("engagement", engagement.id)
        audit.record(session, SYSTEM, engagement.id, "scope.decided_by_rule", subject, decided)


def _write(item: ScopeItem, line: Line, catalogue: Catalogue, now: datetime) -> None:
    item.title, item.category, item.due_before = line.title, line.category, line.due_before
    item.source, item.clause = line.source, say_clause(catalogue, line.source)
    item.decision, item.reason, item.route = line.ruling.decision, line.ruling.reason, line.ruling.route
    item.by_rule, item.decided_by, item.decided_at = True, None, now


def _ask(
    session: AnySession,
    site: Site,
    missing: Collection[str],
    asked: Mapping[str, Question],
    terms: Callable[[], Terms],
    now: datetime,
) -> None:
    """Have one open question for each fact that is missing, and none for what is known or no longer needed."""
    for fact, question in asked.items():
        if fact not in missing:
            _close(question, site, now)
    session.add_all(_question(site, fact, terms(), now) for fact in missing if fact not in asked)


def _question(site: Site, fact: str, terms: Terms, now: datetime) -> Question:
    asked = EVERY_FACT[fact]
    return Question(
        engagement_id=site.engagement_id,
        site_id=site.id,
        text=asked.question,
        fact=fact,
        side=asked.side,
        owner_id=terms.owners[asked.side],
        due_on=terms.due_on,
        asked_at=now,
    )


def _close(question: Question, site: Site, now: datetime) -> None:
    """Answer a question with what is known meanwhile; one whose answer is no longer needed is withdrawn."""
    assert question.fact is not None
    value = known_of(site).get(question.fact)
    if value is None or site.stage == "withdrawn":
        question.state = "withdrawn"
    else:
        by = (site.fact_sources or {}).get(question.fact, {}).get("by")
        question.state, question.answer = "answered", say_answer(question.fact, value)
        question.answered_by, question.answered_at = UUID(by) if by else None, now
    question.version += 1


def _who_answers(session: AnySession, engagement: Engagement) -> dict[str, UUID | None]:
    """Whose a question is, by side: the engagement manager's, or the approver's where the customer has one only."""
    there = people.active_of_customer(session, engagement.customer_id)
    approvers = [person.id for person in there if person.role == Role.CUSTOMER_APPROVER]
    return {"team": engagement.manager_id, "customer": approvers[0] if len(approvers) == 1 else None}


def _due_on(session: AnySession, engagement: Engagement, now: datetime) -> date:
    """When facts are due: with the inventory, where that is still ahead; else in five business days."""
    customer = engagements.customer(session, engagement.customer_id)
    calendar = calendar_of(session, engagement, customer.country, [now.date(), (now + timedelta(days=30)).date()])
    today = calendar.local_date(now)
    inventory = deadlines.one(session, engagement.id, None, DeadlineKind.INVENTORY)
    if inventory is not None and inventory.done_at is None and inventory.day >= today:
        return inventory.day
    return calendar.add_business_days(today, ANSWER_WITHIN)
