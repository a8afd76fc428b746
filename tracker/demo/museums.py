"""Northwind Museums: three sites in the middle of it. UAT is late on one, hours are near the cap, a code freeze runs."""

from typing import Any
from uuid import UUID

from tracker.demo.cast import APPROVER
from tracker.demo.chapter import STAGES, Chapter
from tracker.demo.teller import Teller
from tracker.domain.budget import WorkKind
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.engagement import Windows
from tracker.services import budget
from tracker.services.budget import BlockSpec
from tracker.store.database import db

CHANNEL, TEAM_CHANNEL = "C0NORTHWIND", "C0TEAM"
SOLVED = {"activity": "known_solution", "known_issue_id": "wp-accessally-protected-content"}


def tell(teller: Teller) -> Chapter:
    """The whole chapter, up to today."""
    chapter = Chapter.open(
        teller,
        "Three-site migration",
        "Northwind Museums",
        ago=38,
        windows=Windows(uat=8, cutover=2, hypercare=10),
        reference="SOW-2026-118",
        time_zone="Europe/London",
        country="GB",
        slack_channel=CHANNEL,
        internal_slack_channel=TEAM_CHANNEL,
        kickoff_on=teller.workday(-28),
    )
    www = chapter.list_site(
        "www", "https://www.northwind.example", ago=37, cms="wordpress", cms_version="6.7", plan="performance_m"
    )
    shop = chapter.list_site(
        "shop", "https://shop.northwind.example", ago=37, cms="wordpress", cms_version="6.4", plan="performance_l",
        package="premium", premium_option="extra-hours-10",
    )  # fmt: skip
    archive = chapter.list_site(
        "archive", "https://archive.northwind.example", ago=37, cms="drupal", cms_variant="drupal-composer",
        cms_version="10.3", plan="basic",
    )  # fmt: skip
    chapter.finish(DeadlineKind.INVENTORY, ago=30)
    chapter.agree(ago=28, signed_by=teller.people[APPROVER])
    chapter.finish(DeadlineKind.KICKOFF, ago=28)
    for site_id in (www, shop):
        chapter.set_date(DeadlineKind.CODE_FREEZE, Dates(due_on=teller.workday(-20)), ago=26, site_id=site_id)
        chapter.walk(site_id, STAGES[:2], ago=20)
    _sell(chapter)
    _work(chapter, www, shop, archive)
    for site_id in (www, shop):
        chapter.walk(site_id, STAGES[2:], ago=12)
    chapter.set_date(DeadlineKind.UAT, Dates(opens_on=teller.workday(-11)), ago=12, site_id=shop)
    chapter.set_date(DeadlineKind.UAT, Dates(opens_on=teller.workday(-2)), ago=12, site_id=www)
    for site_id in (shop, www):
        chapter.walk(site_id, ("in_uat",), ago=2)
    chapter.set_date(DeadlineKind.DNS_CUTOVER, Dates(due_on=teller.workday(13)), ago=2, site_id=www)
    return chapter


def _sell(chapter: Chapter) -> None:
    with chapter.teller.step(18) as now:
        spec = BlockSpec(480, "Q-2210 cron module and S3", chapter.day(18))
        budget.sell_block(db.session, chapter.manager, chapter.engagement_id, spec, now=now)


def _work(chapter: Chapter, www: UUID, shop: UUID, archive: UUID) -> None:
    chapter.log(www, 135, "Yoast indexables stalled the import; found the known workaround", ago=16)
    chapter.log(shop, 225, "Moved protected content into the uploads tree", ago=15, **SOLVED)
    cron: dict[str, Any] = {"kind": WorkKind.PS, "activity": None, "ps_kind": "cron-custom-module"}
    chapter.log(shop, 150, "Cron module for the stock sync", ago=13, **cron)
    chapter.log(www, 60, "Redirect loop with the primary domain", ago=3, upto="submitted")
    chapter.log(shop, 60, "Shop sessions behind the page cache", ago=2, upto="submitted")
    chapter.log(archive, 90, "Which search schema is live? Compared both", ago=1, upto="draft")
