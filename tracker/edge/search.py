"""The global search: everything that somebody may know of and that has every word, by kind. Pages and API share it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from tracker.catalog.loader import newest
from tracker.domain import search as rules
from tracker.domain.access import Actor, Permission
from tracker.domain.portfolio import words_of
from tracker.store import search
from tracker.store.database import AnySession
from tracker.store.search import Hit

Look = Callable[..., list[Hit]]
LOOKS: Mapping[str, Look] = {
    "engagements": search.engagements,
    "sites": search.sites,
    "customers": search.customers,
    "people": search.people,
    "questions": search.questions,
}
KINDS = (*LOOKS, "known_issues", "paths")


@dataclass(frozen=True)
class Found:
    """One thing found, and its address where it has one that the actor may open."""

    kind: str
    id: str
    title: str
    about: str
    path: str | None


@dataclass(frozen=True)
class Group:
    """What was found of one kind, and whether there is more of it."""

    kind: str
    items: Sequence[Found]
    has_more: bool


def look_for(session: AnySession, actor: Actor, text: str, *, only: str | None = None, limit: int) -> list[Group]:
    """What is found of every kind or of one, without the kinds of which there is nothing. A fixed number of statements."""
    words = words_of(text)
    groups = [
        _group(kind, [_found(kind, hit, actor) for hit in look(session, actor, words, limit=limit + 1)], limit)
        for kind, look in LOOKS.items()
        if only in (None, kind)
    ]
    groups += [_group(kind, found, limit) for kind, found in _of_catalogue(words, only)]
    return [group for group in groups if group.items]


def _group(kind: str, found: Iterable[Found], limit: int) -> Group:
    listed = list(found)
    return Group(kind, listed[:limit], len(listed) > limit)


def _found(kind: str, hit: Hit, actor: Actor) -> Found:
    return Found(kind, str(hit.id), hit.title, hit.about, _path(kind, hit.id, hit.engagement_id, actor))


def _path(kind: str, thing_id: UUID, engagement_id: UUID | None, actor: Actor) -> str | None:
    if kind == "people":
        return f"/people/{thing_id}" if actor.may(Permission.MANAGE_PEOPLE) else None
    return {
        "engagements": f"/engagements/{thing_id}",
        "sites": f"/sites/{thing_id}",
        "customers": f"/?customer={thing_id}",
        "questions": f"/engagements/{engagement_id}/questions",
    }[kind]


def _of_catalogue(words: Sequence[str], only: str | None) -> list[tuple[str, list[Found]]]:
    """Known issues and paths of the newest version, which lie in memory."""
    issues, paths = (
        [found for found, searched in texts if all(word in searched for word in words)] for texts in _catalogue_texts()
    )
    return [(kind, found) for kind, found in (("known_issues", issues), ("paths", paths)) if only in (None, kind)]


@cache
def _catalogue_texts() -> tuple[list[tuple[Found, str]], list[tuple[Found, str]]]:
    """What can be found of the catalogue, folded once: it does not change while the program runs."""
    issues = [
        (Found("known_issues", each.id, each.name, each.summary, f"/catalog/issues/{each.id}"), searched)
        for each, searched in rules.issue_texts(newest())
    ]
    paths = [
        (Found("paths", each.id, each.title, ". ".join(each.when[:1]), f"/catalog/paths/{each.id}"), searched)
        for each, searched in rules.path_texts(newest())
    ]
    return issues, paths
