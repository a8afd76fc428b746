"""Harbour Logistics: a Drupal multisite that was split into depots. One launches this week, one is in hypercare."""

from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from tracker.demo.cast import ADMIN, PILOT
from tracker.demo.chapter import Chapter
from tracker.demo.teller import Teller
from tracker.domain.budget import WorkKind
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.engagement import Windows
from tracker.domain.freeze import FreezeKind
from tracker.domain.link import LinkKind
from tracker.domain.notice import Audience
from tracker.domain.split import Target
from tracker.services import deadline, split
from tracker.services.deadline import DateChange
from tracker.services.split import Split
from tracker.store import deadline as deadlines
from tracker.store.database import db

ZONE = "Europe/Warsaw"
CHANNEL, TEAM_CHANNEL = "C0HARBOUR", "C0HARBTEAM"
CHANNELS = {CHANNEL: "harbour-depots", TEAM_CHANNEL: "harbour-team"}
KNOWN = {"search_provider": "pantheon", "has_htaccess_redirects": False, "sends_email": True, "cron_need": "hourly"}
KNOWN |= {"certificate": "managed"}
DEPOTS = (
    Target("Gdańsk depot", "https://gdansk.harbour.example", package="premium", premium_option="extra-content-resync"),
    Target("Łódź depot", "https://lodz.harbour.example", package="premium", premium_option="performance-report"),
    Target("Rotterdam depot", "https://rotterdam.harbour.example", package="premium", premium_option="extra-hours-10"),
)
LINKS = (
    (LinkKind.AGREEMENT, "Agreement HL-2026-04", "https://docs.example.com/harbour/agreement", Audience.CUSTOMER),
    (LinkKind.TEST_SCRIPT, "Test script of the depots", "https://docs.example.com/harbour/test", Audience.CUSTOMER),
)
BUILD, LAUNCH = ("qualified", "migrating", "migrated", "remediating"), ("content_frozen", "resyncing", "resynced", "cutover_open")


def tell(teller: Teller) -> Chapter:
    """The whole chapter, up to today."""
    chapter = Chapter.open(
        teller,
        "Depot sites",
        "Harbour Logistics",
        PILOT,
        ago=58,
        windows=Windows(uat=5, cutover=2, hypercare=10),
        reference="HL-2026-04",
        time_zone=ZONE,
        country="PL",
        slack_channel=CHANNEL,
        internal_slack_channel=TEAM_CHANNEL,
        kickoff_on=teller.workday(-50),
    )
    gdansk, lodz, rotterdam = _split(chapter)
    _plan_hours(chapter, gdansk, lodz, rotterdam)
    chapter.update_last_week()
    _begin(chapter, gdansk, ago=46)
    _begin(chapter, lodz, ago=40)
    _accept(chapter, gdansk, ago=30)
    _begin(chapter, rotterdam, ago=24)
    _accept(chapter, lodz, ago=18)
    _plan_launch(chapter, gdansk, ago=12, on=-4)
    _announce(chapter, gdansk, ago=10)
    _plan_launch(chapter, lodz, ago=8, on=2)
    chapter.finish(DeadlineKind.TTL, ago=7, site_id=gdansk)
    chapter.walk(gdansk, LAUNCH, ago=5, clock=time(15, 10))
    chapter.sign("cutover", ago=4, site_id=gdansk, clock=time(8))
    chapter.walk(gdansk, ("dns_verified", "launched"), ago=4)
    for frozen in (DeadlineKind.CODE_FREEZE, DeadlineKind.CONTENT_FREEZE):
        chapter.finish(frozen, ago=4, site_id=gdansk)
    _announce(chapter, lodz, ago=4)
    chapter.walk(gdansk, ("hypercare",), ago=3)
    chapter.say(chapter.approver, "Rotterdam asks whether its forms are tested with the others.", ago=2, site_id=rotterdam)
    chapter.finish(DeadlineKind.TTL, ago=1, site_id=lodz)
    test = Dates(due_on=teller.workday(10), opens_on=teller.workday(5))
    chapter.set_date(DeadlineKind.UAT, test, ago=1, site_id=rotterdam)
    chapter.say(chapter.manager, "They are: the test of Rotterdam opens next week.", ago=1, site_id=rotterdam)
    ready = "Launch of Łódź: content stops at 17:00 on the day before. Please have somebody at the registrar ready at nine."
    chapter.say(chapter.manager, ready, ago=0, site_id=lodz)
    teller.end()
    return chapter


def _split(chapter: Chapter) -> list[UUID]:
    """The multisite is listed as one and split before anything is agreed: each depot has hours of its own."""
    depots = chapter.list_site(
        "Depots", "https://depots.harbour.example", ago=57, cms="drupal", cms_variant="drupal-composer", cms_version="10.2",
        plan="performance_l", upstream_choice="default",
    )  # fmt: skip
    chapter.answer(depots, KNOWN | {"drupal_multisite": True}, ago=56)
    with chapter.teller.step(55) as now:
        made = [site.id for site in split.split_site(db.session, chapter.manager, depots, Split(DEPOTS), now=now)]
    chapter.do_duty("join-channel", "Marek and the depot leads are in the channel.", ago=54)
    chapter.do_duty("site-inventory", "Modules of the multisite, and who uses which, sent to Mei.", ago=52)
    chapter.finish(DeadlineKind.KICKOFF, ago=50)
    chapter.add_links(LINKS, ago=50)
    chapter.agree(ago=49)
    return made


def _begin(chapter: Chapter, site_id: UUID, *, ago: int) -> None:
    """Access, code freeze, and the way to the remediation."""
    chapter.set_date(DeadlineKind.CODE_FREEZE, Dates(due_on=chapter.day(ago - 2)), ago=ago, site_id=site_id)
    chapter.do_duty("source-access", "Password store, entry harbour/ssh; Mei has signed in.", ago=ago, site_id=site_id)
    chapter.answer_freeze(site_id, FreezeKind.CODE, ago=ago - 1)
    chapter.walk(site_id, BUILD, ago=ago - 2)


def _accept(chapter: Chapter, site_id: UUID, *, ago: int) -> None:
    """The acceptance test, signed before its time is over."""
    chapter.settle(site_id, ago=ago + 1)
    dates = Dates(due_on=chapter.teller.workday(-ago + 6), opens_on=chapter.day(ago))
    chapter.set_date(DeadlineKind.UAT, dates, ago=ago + 1, site_id=site_id)
    chapter.walk(site_id, ("ready_for_uat", "in_uat"), ago=ago)
    chapter.sign("uat", ago=ago - 4, site_id=site_id)
    chapter.walk(site_id, ("uat_accepted",), ago=ago - 5)


def _plan_launch(chapter: Chapter, site_id: UUID, *, ago: int, on: int) -> None:
    """The launch is on a business day, counted from today; content stops the evening before."""
    chapter.walk(site_id, ("launch_planned",), ago=ago)
    days = chapter.teller.workday
    chapter.set_date(DeadlineKind.DNS_CUTOVER, Dates(due_at=_at(days(on), 9)), ago=ago, site_id=site_id)
    chapter.set_date(DeadlineKind.TTL, Dates(due_on=days(on - 3)), ago=ago, site_id=site_id)
    # Where a public holiday lies between, both would be counted to an earlier day than the story is about.
    _move(chapter, site_id, DeadlineKind.CONTENT_FREEZE, Dates(due_at=_at(days(on - 1), 17)), ago)
    _move(chapter, site_id, DeadlineKind.CONTENT_FREEZE_NOTICE, Dates(due_on=days(on - 6)), ago)


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(ZONE))


def _announce(chapter: Chapter, site_id: UUID, *, ago: int) -> None:
    """Those who write to a site are told that its content will be frozen."""
    told = "Mail to all depot leads and to the agency; the import from the warehouse is paused by them."
    chapter.do_duty("content-freeze-notice", told, ago=ago, site_id=site_id)
    chapter.answer_freeze(site_id, FreezeKind.CONTENT, ago=ago)


def _move(chapter: Chapter, site_id: UUID, kind: DeadlineKind, dates: Dates, ago: int) -> None:
    with chapter.teller.step(ago) as now:
        found = deadlines.one(db.session, chapter.engagement_id, site_id, kind)
        assert found is not None
        change = DateChange(None, dates, "Agreed with the depots.")
        deadline.change_date(db.session, chapter.manager, found.id, change, now=now)


def _plan_hours(chapter: Chapter, gdansk: UUID, lodz: UUID, rotterdam: UUID) -> None:
    """The hours of all weeks: each is told on its day."""
    plain, extra = WorkKind.INCLUDED, WorkKind.PREMIUM
    log = chapter.log
    log(gdansk, 300, "Split off the multisite, paths replaced", ago=43, kind=plain)
    log(gdansk, 90, "Views that read the tables of another depot", ago=41)
    log(gdansk, 120, "Configuration and search", ago=38, kind=plain, by=ADMIN)
    log(lodz, 270, "Split off the multisite, paths replaced", ago=37, kind=plain)
    log(lodz, 110, "Image styles are missing after the split", ago=34)
    log(lodz, 40, "Paths in the menus: part of the split after all", ago=33, upto="moved")
    log(gdansk, 60, "Hand-over to the testers", ago=31, kind=plain)
    log(lodz, 150, "Configuration and search", ago=29, kind=plain, by=ADMIN)
    chapter.close_hours(through=30, ago=26, reason="The first weeks are billed.")
    log(lodz, 240, "Performance report", ago=24, kind=plain, by=ADMIN)
    log(rotterdam, 285, "Split off the multisite, paths replaced", ago=16, kind=plain)
    log(rotterdam, 140, "The module for tide tables needs a newer PHP", ago=13)
    log(rotterdam, 90, "Tide tables, second try", ago=9, kind=extra)
    log(gdansk, 180, "Resync and launch", ago=4, kind=plain)
    log(gdansk, 45, "First morning: two redirects added", ago=3, kind=plain, upto="submitted")
    log(lodz, 75, "Rehearsal of the cutover", ago=1, kind=plain, upto="submitted", by=ADMIN)
    log(rotterdam, 60, "Search index", ago=1, kind=plain, upto="draft")
