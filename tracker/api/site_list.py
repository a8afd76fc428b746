"""List many sites of an engagement from a file."""

from uuid import UUID

from pydantic import Field

from tracker.api.inventory import RejectedOut, YesNo, rejected_out
from tracker.api.operation import Api, Call, Out, Query
from tracker.domain.access import Permission
from tracker.intake.site_list import SiteList, read_site_list
from tracker.services import site_list as service

api = Api("site_list")


class SiteListQuery(Query):
    dry_run: YesNo = Field(False, description="Only say what would be listed.")  # noqa: FBT003


class AcceptedSiteOut(Out):
    row: int
    name: str
    url: str
    change: str = Field(description="added, or unchanged where it is listed just so")


class SiteListOut(Out):
    dry_run: bool
    accepted: list[AcceptedSiteOut]
    rejected: list[RejectedOut]


def read_file(data: bytes, _query: SiteListQuery) -> SiteList:
    return read_site_list(data)


@api.post("/engagements/<uuid:engagement_id>/sites/import", Permission.EDIT_ENGAGEMENT, 200, reads=read_file)
def import_sites(call: Call, engagement_id: UUID, query: SiteListQuery, body: SiteList) -> SiteListOut:
    """List up to 500 sites from a CSV table; the body is the file. The good rows are listed, the bad ones told.

    With `dry_run` nothing is kept. Once the requirements are agreed, answers 409 `unlisted_site`.
    """
    if query.dry_run:
        trial = service.try_list(call.session, call.actor, engagement_id, body)
    else:
        trial = service.import_list(call.session, call.actor, engagement_id, body, now=call.now)
    accepted = [
        AcceptedSiteOut(row=row.row, name=row.values["name"], url=row.values["url"], change=change)
        for row, change in trial.accepted
    ]
    return SiteListOut(dry_run=query.dry_run, accepted=accepted, rejected=[rejected_out(each) for each in trial.rejected])
