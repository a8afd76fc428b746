"""The search over everything that the token's person may know of."""

from pydantic import Field

from tracker.api.operation import Api, Call, Listing, Out, Query, one_of
from tracker.domain.access import Permission
from tracker.domain.errors import Invalid
from tracker.domain.search import LONGEST, SHORTEST, is_enough
from tracker.edge.search import KINDS, look_for

api = Api("search")
OF_EACH, OF_ONE = 10, 100


class SearchQuery(Query):
    q: str = Field("", max_length=LONGEST, description="Words, each of which has to be found; without any nothing is.")
    kind: str | None = Field(None, description=f"Only one of {', '.join(KINDS)}: then up to {OF_ONE}, else {OF_EACH} of each.")


class FoundOut(Out):
    kind: str
    id: str
    title: str
    about: str
    path: str | None = Field(description="The page of it, where the person may open one.")


@api.get("/search", Permission.SEE_ENGAGEMENTS)
def search(call: Call, query: SearchQuery) -> Listing[FoundOut]:
    """Engagements, sites, customers, people (for the staff), questions, known issues and paths that have every word."""
    only = one_of("kind", query.kind, KINDS)
    if not query.q.strip():
        return Listing(items=[])
    if not is_enough(query.q):
        raise Invalid.at("q", f"Write at least {SHORTEST} characters.")
    groups = look_for(call.session, call.actor, query.q, only=only, limit=OF_ONE if only else OF_EACH)
    return Listing(items=[FoundOut(**vars(each)) for group in groups for each in group.items])
