"""Northwind Museums: three sites in the middle of it. UAT is late on one, hours are near the cap, a code freeze runs."""

from datetime import datetime, time, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from tracker.demo.cast import ADMIN, APPROVER, VIEWER
from tracker.demo.chapter import Chapter
from tracker.demo.museums_words import COMMENTS, DEFECTS, KICKOFF, LAST_WORD, LINKS, SHOP_EXTENSIONS, VERDICTS, WWW_EXTENSIONS
from tracker.demo.teller import Teller
from tracker.domain.budget import WorkKind
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.engagement import Windows
from tracker.domain.freeze import FreezeKind
from tracker.domain.kickoff import Attendee
from tracker.domain.uat import DefectState
from tracker.services import budget, change_request, cover, freeze, inventory, kickoff, risk, uat
from tracker.services.budget import BlockSpec
from tracker.services.change_request import RequestSpec
from tracker.services.cover import CoverSpec
from tracker.services.inventory import VerdictChange
from tracker.services.kickoff import KickoffChange
from tracker.services.question import QuestionSpec
from tracker.services.risk import RiskSpec
from tracker.services.uat import DefectChange
from tracker.store import inventory as inventories
from tracker.store.database import db

CHANNEL, TEAM_CHANNEL = "C0NORTHWIND", "C0NORTHTEAM"
CHANNELS = {CHANNEL: "northwind-migration", TEAM_CHANNEL: "northwind-team"}
KNOWN = {"search_provider": "none", "has_htaccess_redirects": True, "sends_email": True, "uses_php_sessions": True}
KNOWN |= {"certificate": "managed", "network": False}
BUILD = ("migrating", "migrated", "remediating", "ready_for_uat")
PATH_INPUTS = {
    "package": "Premium", "premium_option": "Ten more hours", "upstream_choice": "The default upstream",
    "channel_url": "https://northwind.slack.example/archives/C0NORTHWIND", "access_ref": "Password store, entry northwind/sftp",
    "attendees": "Priya Nair, Tom Baker, Jonas Weber, Mei Lindqvist", "runbook_id": "manual-code-db-files",
    "uat_window_days": "8", "dns_cutover_window": "2 business days", "plan": "Performance L",
}  # fmt: skip


def tell(teller: Teller) -> Chapter:
    """The whole chapter, up to today."""
    chapter = Chapter.open(
        teller,
        "Three-site migration",
        "Northwind Museums",
        APPROVER,
        ago=38,
        windows=Windows(uat=8, cutover=2, hypercare=10),
        reference="SOW-2026-118",
        time_zone="Europe/London",
        country="GB",
        slack_channel=CHANNEL,
        internal_slack_channel=TEAM_CHANNEL,
        kickoff_on=teller.workday(-28),
    )
    www, shop, archive = _list(chapter)
    _plan_hours(chapter, www, shop, archive)
    chapter.update_last_week()
    _kick_off(chapter, www, shop, archive)
    _build(chapter, www, shop, archive)
    _test(chapter, www, shop)
    _these_days(chapter, shop)
    chapter.start_timer(archive, "Modules of the archive: reading the list")
    teller.end()
    return chapter


def _list(chapter: Chapter) -> tuple[UUID, UUID, UUID]:
    www = chapter.list_site(
        "www", "https://www.northwind.example", ago=37, cms="wordpress", cms_version="6.7", plan="performance_m",
        upstream_choice="default",
    )  # fmt: skip
    shop = chapter.list_site(
        "shop", "https://shop.northwind.example", ago=37, cms="wordpress", cms_version="6.4", plan="performance_l",
        upstream_choice="default", package="premium", premium_option="extra-hours-10",
    )  # fmt: skip
    archive = chapter.list_site(
        "archive", "https://archive.northwind.example", ago=37, cms="drupal", cms_variant="drupal-composer",
        cms_version="10.3", plan="basic", upstream_choice="nested-docroot-or-composer",
    )  # fmt: skip
    chapter.do_duty("join-channel", "Priya, Tom and Ines are in the channel.", ago=36)
    chapter.answer(www, KNOWN | {"cron_need": "hourly"}, ago=35)
    chapter.answer(shop, KNOWN | {"cron_need": "custom_code"}, ago=35)
    known = {"has_htaccess_redirects": True, "drupal_multisite": False, "cron_need": "finer_than_hourly"}
    chapter.answer(archive, known, ago=35)
    chapter.send_inventory(shop, "museum-shop.csv", SHOP_EXTENSIONS, ago=34)
    chapter.send_inventory(www, "museum-www.csv", WWW_EXTENSIONS, ago=34)
    chapter.do_duty("site-inventory", "Plugins of www and shop uploaded here, modules of archive sent to Mei.", ago=33)
    return www, shop, archive


def _kick_off(chapter: Chapter, www: UUID, shop: UUID, archive: UUID) -> None:
    said, team_only, people = KICKOFF
    attendees = [Attendee(*each) for each in people]
    with chapter.teller.step(28, time(9)) as now:
        values = {"held_on": chapter.day(28), "notes": said, "internal_notes": team_only, "attendees": attendees}
        kickoff.record_kickoff(db.session, chapter.manager, chapter.engagement_id, KickoffChange(dict(values)), now=now)
    chapter.finish(DeadlineKind.KICKOFF, ago=28)
    chapter.agree(ago=28)
    chapter.add_links(LINKS, ago=27)
    for site_id in (www, shop):
        chapter.set_date(DeadlineKind.CODE_FREEZE, Dates(due_on=chapter.day(20)), ago=26, site_id=site_id)
    for site_id in (www, shop):
        chapter.do_duty("source-access", "Password store, entry northwind/sftp; Mei has signed in.", ago=25, site_id=site_id)
        chapter.answer_freeze(site_id, FreezeKind.CODE, ago=25)
    chapter.walk(archive, ("qualified",), ago=22)
    for site_id in (www, shop):
        chapter.walk(site_id, ("qualified", BUILD[0]), ago=20)


def _build(chapter: Chapter, www: UUID, shop: UUID, archive: UUID) -> None:
    with chapter.teller.step(18) as now:
        ends = chapter.teller.now.date() + timedelta(days=12)
        spec = BlockSpec(480, "Q-2210 cron module and S3", chapter.day(18), ends)
        budget.sell_block(db.session, chapter.manager, chapter.engagement_id, spec, now=now)
    for slug, verdict, note, minutes in VERDICTS:
        named = frozenset({"verdict", "note"} | ({"estimate_minutes"} if minutes else set()))
        with chapter.teller.step(17) as now:
            item = next(each.id for each in inventories.of_site(db.session, shop) if each.slug == slug)
            change = VerdictChange(named, verdict, note, minutes)
            inventory.say_verdict(db.session, chapter.engineer, item, change, now=now)
    for site_id, ago in ((shop, 13), (www, 7)):
        chapter.walk(site_id, BUILD[1:3], ago=ago + 2)
        chapter.settle(site_id, ago=ago)
        chapter.walk(site_id, BUILD[3:], ago=ago, clock=time(15))
        if site_id == shop:
            chapter.follow_path(shop, "managed-migration", PATH_INPUTS, steps=12, ago=13)
            _open_shop(chapter, shop)
    chapter.follow_path(archive, "managed-migration", PATH_INPUTS, steps=3, ago=6)
    chapter.expect_duty("source-access", due_on=chapter.teller.workday(3), ago=6, site_id=archive)
    chapter.ask_again(archive, due_on=chapter.teller.workday(1), ago=6)


def _open_shop(chapter: Chapter, shop: UUID) -> None:
    """The shop's test opens, and is still going on when its time is over."""
    dates = Dates(due_on=chapter.teller.workday(-2), opens_on=chapter.day(11))
    chapter.set_date(DeadlineKind.UAT, dates, ago=12, site_id=shop)
    chapter.walk(shop, ("in_uat",), ago=11)
    testers = [{"name": "Tom Baker", "email": VIEWER}, {"name": "Ines Duarte", "email": ""}]
    with chapter.teller.step(11) as now:
        uat.start(db.session, chapter.manager, shop, testers, now=now)
    chapter.expect_duty("uat", ago=11, site_id=shop)
    for ago, each in zip((8, 7, 6, 4, 0), DEFECTS, strict=True):
        chapter.teller.meanwhile(ago, time(11, 20), partial(_report, chapter, shop, each))


def _report(chapter: Chapter, shop: UUID, said: tuple[str, str, DefectChange | None, bool], now: datetime) -> None:
    """Somebody of the customer reports a defect; the team says what becomes of it, and some of it is confirmed."""
    title, details, change, confirmed = said
    viewer = chapter.teller.people[VIEWER]
    found = uat.report(db.session, viewer, shop, title, details, now=now).defect.id
    if change is not None:
        uat.change_defect(db.session, chapter.engineer, found, change)
    if confirmed:
        uat.change_defect(db.session, viewer, found, DefectChange(None, state=DefectState.CONFIRMED))


def _test(chapter: Chapter, www: UUID, shop: UUID) -> None:
    """Around the test of www, which has begun, and the one of the shop, which should be over."""
    days, approver, manager = chapter.teller.workday, chapter.approver, chapter.manager
    chapter.set_date(DeadlineKind.UAT, Dates(due_on=days(6), opens_on=chapter.day(2)), ago=5, site_id=www)
    cutover = datetime.combine(days(13), time(9), ZoneInfo("Europe/London"))
    chapter.set_date(DeadlineKind.DNS_CUTOVER, Dates(due_at=cutover), ago=5, site_id=www)
    chapter.set_date(DeadlineKind.TTL, Dates(due_on=days(10)), ago=5, site_id=www)
    asked, team_only, answer, thanks = COMMENTS
    chapter.say(approver, asked, ago=4, site_id=shop)
    chapter.say(manager, team_only, ago=4, site_id=shop, team_only=True)
    chapter.say(manager, answer, ago=3, site_id=shop, clock=time(9))
    _ask(chapter, www, shop)
    chapter.walk(www, ("in_uat",), ago=2)
    with chapter.teller.step(2) as now:
        uat.start(db.session, manager, www, [{"name": "Ines Duarte", "email": ""}], now=now)
    _arrange_cover(chapter)
    frozen = chapter.freeze_of(shop, FreezeKind.CODE)
    with chapter.teller.step(1) as now:
        until = now + timedelta(days=5)
        what, why = "Prices of the winter sale", "The sale was announced before the freeze."
        freeze.override(db.session, manager, frozen, what, why, until, now=now)
    chapter.say(chapter.teller.people[VIEWER], thanks, ago=1, site_id=shop)


def _these_days(chapter: Chapter, shop: UUID) -> None:
    tickets = {"kind": "add_site", "name": "tickets", "url": "https://tickets.northwind.example", "plan": "basic"}
    search = {"kind": "scope", "item": "Search in three languages", "decision": "ps", "site_id": None}
    spec = RequestSpec([tickets, search], "The ticket shop moves too", "Its old host closes at the end of the year.")
    with chapter.teller.step(1, time(15)) as now:
        viewer = chapter.teller.people[VIEWER]
        asked = change_request.raise_request(db.session, viewer, chapter.engagement_id, spec, now=now).id
    with chapter.teller.step(0) as now:
        change_request.approve(db.session, chapter.manager, asked, now=now, estimate_minutes=300)
    chapter.say(chapter.manager, LAST_WORD, ago=0, site_id=shop)


def _ask(chapter: Chapter, www: UUID, shop: UUID) -> None:
    customer, team, days = chapter.approver.person_id, chapter.engineer.person_id, chapter.teller.workday
    asked = (
        QuestionSpec("Who may change the DNS records at the registrar?", "customer", www, customer, days(2)),
        QuestionSpec("Which of us stands by on the morning of the launch?", "team", www, team, days(8)),
    )
    chapter.ask(asked, ago=3)
    stock = RiskSpec("The stock plugin is not maintained any more", "Find one that is, before the sign-off.", "blocks",
                     site_id=shop, owner_id=team, due_on=days(4))  # fmt: skip
    slow = RiskSpec("DNS changes take the registrar two days", "Lower the TTLs a week ahead.", "warns", "customer", www)
    for each in (stock, slow):
        with chapter.teller.step(3, time(15)) as now:
            risk.raise_risk(db.session, chapter.manager, chapter.engagement_id, each, now=now)


def _arrange_cover(chapter: Chapter) -> None:
    """The manager is away the week after next, and an administrator covers."""
    manager, stand_in = chapter.manager, chapter.teller.people[ADMIN].person_id
    assert manager.person_id is not None
    assert stand_in is not None
    spec = CoverSpec(stand_in, chapter.teller.workday(7), chapter.teller.workday(11), "On leave")
    with chapter.teller.step(2) as now:
        cover.arrange(db.session, manager, manager.person_id, spec, now=now)


def _plan_hours(chapter: Chapter, www: UUID, shop: UUID, archive: UUID) -> None:
    """The hours of all weeks: each is told on its day."""
    plain, extra, ps = WorkKind.INCLUDED, WorkKind.PREMIUM, WorkKind.PS

    def known(issue: str) -> dict[str, str]:
        return {"activity": "known_solution", "known_issue_id": issue}

    log = chapter.log
    log(www, 90, "Kick-off", ago=27, kind=plain, upto="rejected")
    log(www, 180, "Code, database and files moved to Dev", ago=19, kind=plain)
    log(shop, 240, "Code, database and files moved to Dev", ago=19, kind=plain, by=ADMIN)
    log(shop, 150, "Uploads: 38 GB in two passes", ago=18, kind=plain)
    log(www, 75, "Plugin audit", ago=18, kind=plain)
    log(shop, 120, "Plugin audit, 14 plugins", ago=17, kind=plain, by=ADMIN)
    log(shop, 135, "Protected downloads: moved into the uploads tree", ago=16, **known("wp-accessally-protected-content"))
    log(www, 95, "Yoast indexables stalled the import; found the known workaround", ago=16)
    log(shop, 90, "Cache path of Autoptimize", ago=15, **known("wp-autoptimize-cache-path"))
    log(shop, 75, "Attachments of the contact form", ago=15, **known("wp-contact-form-7-attachments-tmp"))
    log(shop, 210, "Basket sessions behind the page cache: tried three ways", ago=14, kind=extra)
    log(shop, 150, "Cron module for the stock sync, first half", ago=14, kind=ps, ps_kind="cron-custom-module", by=ADMIN)
    log(shop, 45, "Redirects to PHP", ago=13, kind=plain)
    log(shop, 105, "Cron module for the stock sync, second half", ago=12, kind=ps, ps_kind="cron-custom-module", by=ADMIN)
    log(www, 60, "Redirects to PHP", ago=11, kind=plain)
    log(shop, 180, "Payment page redirects: found the filter that does it", ago=10, kind=extra)
    log(archive, 40, "Mail relay of shop", ago=9, upto="reversed")
    log(www, 50, "Settings of Contact Form 7 on the new host", ago=8, **known("wp-contact-form-7-server-name"))
    log(www, 120, "Object cache and page cache", ago=8, kind=plain)
    log(shop, 95, "Basket empty after signing in", ago=6, kind=extra)
    log(archive, 70, "Composer build of the archive tried on a copy", ago=5, activity="research")
    log(www, 35, "Redirect loop with the primary domain", ago=4)
    log(www, 45, "Test data for Ines", ago=3, kind=plain, upto="submitted")
    log(shop, 55, "Search finds no membership: the index", ago=2, kind=extra, upto="submitted", by=ADMIN)
    log(shop, 40, "Old S3 bucket: what is still read from it", ago=2, kind=ps, ps_kind="s3-configure-decommission",
        upto="submitted")  # fmt: skip
    chapter.time_in_vain(www, "Which plugin rewrites the menu? Switched off one by one", ago=1, began=time(9), ended=time(11, 50))
    log(archive, 80, "Which search schema is live? Compared both", ago=1, upto="draft")
