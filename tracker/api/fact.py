"""The questionnaire about a site, and splitting it."""

from typing import Any
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out
from tracker.api.site import SiteOut, facts_of, site_out
from tracker.domain.access import Permission
from tracker.domain.split import MOST, Target
from tracker.services import fact as service
from tracker.services import split as split_service
from tracker.services.fact import FactsChange
from tracker.services.split import Split
from tracker.store import site as sites

api = Api("fact")


class FactsPatch(In):
    facts: dict[str, Any] = Field(
        description="Facts by their key; `network` too, and for managers `plan` and `upstream_choice`. Null: nobody knows yet."
    )


class FactsOut(Out):
    id: UUID
    version: int
    facts: dict[str, Any]
    sources: dict[str, Any]


class TargetIn(In):
    name: str = Field(max_length=500)
    url: str = Field(max_length=4000)
    plan: str | None = None
    package: str | None = None
    premium_option: str | None = None


class SplitIn(In):
    targets: list[TargetIn] = Field(max_length=10 * MOST)


@api.get("/sites/<uuid:site_id>/facts", Permission.SEE_ENGAGEMENTS)
def get_facts(call: Call, site_id: UUID) -> FactsOut:
    """Every fact that a rule asks about, null where nobody knows, and where each answer came from."""
    site = sites.get(call.session, call.actor, site_id)
    return FactsOut(id=site.id, version=site.version, facts=facts_of(site), sources=site.fact_sources or {})


@api.patch("/sites/<uuid:site_id>/facts", Permission.ANSWER)
def answer_facts(call: Call, site_id: UUID, body: FactsPatch) -> SiteOut:
    """Answer some facts; the others stay. Whoever is on the engagement may. The scope is decided anew."""
    change = FactsChange(body.facts, call.version)
    return site_out(service.answer_facts(call.session, call.actor, site_id, change, now=call.now))


@api.post("/sites/<uuid:site_id>/split", Permission.EDIT_ENGAGEMENT)
def split_site(call: Call, site_id: UUID, body: SplitIn) -> Listing[SiteOut]:
    """Split a network or a Drupal multisite into 2 to 50 sites, each with its own hours; the source line is withdrawn.

    After the requirements are agreed, answers 409 `guard` BR-47.
    """
    targets = [Target(**each.model_dump()) for each in body.targets]
    made = split_service.split_site(call.session, call.actor, site_id, Split(targets), now=call.now)
    return Listing(items=[site_out(site) for site in made])
