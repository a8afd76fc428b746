"""Rounds of UAT and their defects."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, id_cursor, one_of, page_of
from tracker.domain.access import Permission
from tracker.domain.errors import Invalid
from tracker.domain.uat import MOST_TESTERS, DefectClass, DefectState
from tracker.services import uat as service
from tracker.services.uat import DefectChange
from tracker.store import uat as rounds
from tracker.store.uat import DefectRow, RoundRow

api = Api("uat")


class Tester(Out):
    name: str
    email: str | None = None


class TesterIn(In):
    name: str = Field(max_length=200)
    email: str | None = Field(None, max_length=254)


class RoundOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    site_id: UUID
    number: int
    state: str = Field(description="open, signed, rejected or lapsed")
    testers: list[Tester]
    opened_at: datetime
    closed_at: datetime | None
    closed_by: UUID | None
    reason: str | None


class RoundIn(In):
    testers: list[TesterIn] | None = Field(None, max_length=MOST_TESTERS)


class RoundPatch(In):
    testers: list[TesterIn] | None = Field(None, max_length=MOST_TESTERS)
    state: Literal["signed", "rejected", "lapsed"] | None = None
    hash: str | None = Field(None, max_length=200, description="For a sign-off: the hash of the requirements in force.")
    reason: str | None = Field(None, max_length=500, description="Why the site is not accepted.")


class DefectOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    site_id: UUID
    round_id: UUID
    title: str
    details: str
    classification: str
    state: str
    source_checked: str
    reported_by: UUID
    reported_at: datetime


class DefectIn(In):
    title: str = Field(max_length=service.TITLE_LENGTH)
    details: str = Field("", max_length=service.DETAILS_LENGTH)


class DefectPatch(In):
    title: str | None = Field(None, max_length=service.TITLE_LENGTH)
    details: str | None = Field(None, max_length=service.DETAILS_LENGTH)
    classification: DefectClass | None = None
    state: DefectState | None = None
    source_checked: str | None = Field(
        None, max_length=service.DETAILS_LENGTH, description="How it was seen on the source as well; pre_existing needs it."
    )


class DefectQuery(PageQuery):
    state: str | None = Field(None, description="open, fixing, fixed, confirmed or declined")


def round_out(row: RoundRow) -> RoundOut:
    shown = {name: getattr(row.round, name) for name in RoundOut.model_fields if name != "testers"}
    return RoundOut(**shown, testers=[Tester(**each) for each in row.round.testers])


def defect_out(row: DefectRow) -> DefectOut:
    return DefectOut(**{name: getattr(row.defect, name) for name in DefectOut.model_fields})


@api.get("/sites/<uuid:site_id>/uat-rounds", Permission.SEE_ENGAGEMENTS)
def list_rounds(call: Call, site_id: UUID, query: PageQuery) -> Listing[RoundOut]:
    """The rounds of a site, the latest first."""
    items = [round_out(row) for row in rounds.rounds_of_site(call.session, site_id)]
    return page_of(items, query, lambda item: item.id)


@api.post("/sites/<uuid:site_id>/uat-rounds", Permission.ANSWER)
def start_round(call: Call, site_id: UUID, body: RoundIn) -> RoundOut:
    """The round that is open while the site is in UAT, with its testers. It opens by itself as the site enters UAT."""
    testers = None if body.testers is None else [each.model_dump() for each in body.testers]
    return round_out(service.start(call.session, call.actor, site_id, testers, now=call.now))


@api.get("/uat-rounds/<uuid:round_id>", Permission.SEE_ENGAGEMENTS)
def get_round(call: Call, round_id: UUID) -> RoundOut:
    """One round."""
    return round_out(rounds.get_round(call.session, call.actor, round_id))


@api.patch("/uat-rounds/<uuid:round_id>", Permission.ANSWER)
def change_round(call: Call, round_id: UUID, body: RoundPatch) -> RoundOut:
    """Name the testers, or end the round: an approver signs it or does not accept the site, a manager lets it lapse."""
    row = rounds.get_round(call.session, call.actor, round_id)
    if body.testers is not None:
        said = [each.model_dump() for each in body.testers]
        row = service.name_testers(call.session, call.actor, round_id, said, version=call.version)
    version = None if body.testers is not None else call.version
    if body.state == "signed":
        if body.hash is None:
            raise Invalid.at("hash", "Send the hash of the requirements that were shown.")
        row = service.sign_off(call.session, call.actor, round_id, body.hash, now=call.now)
    elif body.state == "rejected":
        row = service.reject(call.session, call.actor, round_id, body.reason or "", version=version, now=call.now)
    elif body.state == "lapsed":
        row = service.lapse(call.session, call.actor, round_id, version=version, now=call.now)
    return round_out(row)


@api.get("/sites/<uuid:site_id>/defects", Permission.SEE_ENGAGEMENTS)
def list_defects(call: Call, site_id: UUID, query: DefectQuery) -> Listing[DefectOut]:
    """The defects of a site, in the order they were reported."""
    state = one_of("state", query.state, tuple(DefectState))
    rows = rounds.defects_of_site(call.session, site_id, state=state, after=id_cursor(query.cursor), limit=query.limit + 1)
    items = [defect_out(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/sites/<uuid:site_id>/defects", Permission.ANSWER)
def report_defect(call: Call, site_id: UUID, body: DefectIn) -> DefectOut:
    """Report something that is wrong, while a round is open."""
    return defect_out(service.report(call.session, call.actor, site_id, body.title, body.details, now=call.now))


@api.get("/defects/<uuid:defect_id>", Permission.SEE_ENGAGEMENTS)
def get_defect(call: Call, defect_id: UUID) -> DefectOut:
    """One defect."""
    return defect_out(rounds.get_defect(call.session, call.actor, defect_id))


@api.patch("/defects/<uuid:defect_id>", Permission.ANSWER)
def change_defect(call: Call, defect_id: UUID, body: DefectPatch) -> DefectOut:
    """Classify it and move it on (staff), confirm that it is fixed or say that it is not (the customer)."""
    change = DefectChange(call.version, **{name: getattr(body, name) for name in DefectPatch.model_fields})
    return defect_out(service.change_defect(call.session, call.actor, defect_id, change))
