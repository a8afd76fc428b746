"""A believable installation for browser tests and pictures: people, three engagements, hours near a cap, dates."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from tracker.clock import utc_now
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import WorkKind
from tracker.domain.channel import ChannelSeen
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.duty import DutyState
from tracker.domain.engagement import Windows
from tracker.domain.freeze import FreezeAnswer, FreezeKind
from tracker.domain.kickoff import Attendee
from tracker.domain.link import LinkKind
from tracker.domain.notice import Audience
from tracker.domain.path_step import checks_of
from tracker.domain.time_entry import Work
from tracker.domain.uat import DefectClass, DefectState
from tracker.edge.password import hash_password
from tracker.edge.work import work
from tracker.intake.inventory.registry import read_inventory
from tracker.intake.site_list import read_site_list
from tracker.intake.time_entries import read_entries
from tracker.services import (
    account_link,
    budget,
    change_request,
    channel_care,
    comment,
    cover,
    deadline,
    duty,
    engagement,
    freeze,
    hours_lock,
    inventory,
    kickoff,
    link,
    path,
    person,
    ps_block,
    question,
    requirements,
    risk,
    scope,
    sign_in,
    site,
    site_list,
    time_entry,
    time_import,
    timer,
    uat,
    weekly_update,
)
from tracker.services.budget import BlockSpec
from tracker.services.change_request import RequestSpec
from tracker.services.comment import CommentSpec
from tracker.services.cover import CoverSpec
from tracker.services.day_off import DayOffSpec, add_days
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.duty import DutyChange
from tracker.services.engagement import AgreementSpec, EngagementSpec
from tracker.services.freeze import FreezeSpec
from tracker.services.inventory import VerdictChange
from tracker.services.kickoff import KickoffChange
from tracker.services.link import LinkSpec
from tracker.services.person import OwnChange, PersonSpec
from tracker.services.ps_block import BlockChange
from tracker.services.question import QuestionChange, QuestionSpec
from tracker.services.risk import RiskSpec
from tracker.services.scope import ItemChange, OwnItem
from tracker.services.site import SiteChange
from tracker.services.uat import DefectChange
from tracker.store import budget as budgets
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import inventory as inventories
from tracker.store import person as people
from tracker.store import scope as scopes
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.question import Question
from tracker.store.site import Site
from tracker.store.transaction import transaction

PASSWORD = "correct horse battery"
ADMIN, MANAGER, ENGINEER, APPROVER, VIEWER = (
    "ada@example.com",
    "jonas@example.com",
    "mei@example.com",
    "priya@northwind.example",
    "tom@northwind.example",
)


@dataclass(frozen=True)
class Scene:
    """The ids a test needs to find its way."""

    engagement_id: UUID
    customer_id: UUID
    site_id: UUID
    draft_engagement_id: UUID
    deadline_id: UUID
    path_site_id: UUID
    cutover_site_id: UUID
    change_request_id: UUID
    inventory_item_id: UUID
    inventory_upload_id: UUID
    site_list_upload_id: UUID
    duty_id: UUID
    freeze_id: UUID
    round_id: UUID
    defect_id: UUID
    scope_item_id: UUID
    question_id: UUID
    risk_id: UUID
    network_id: UUID
    manager_id: UUID
    admin_id: UUID
    update_id: UUID
    sign_in_path: str
    slack_account_path: str
    draft_entry_id: UUID
    moved_entry_id: UUID
    block_id: UUID
    hours_upload_id: UUID
    unplaced_id: UUID


def lay() -> Scene:
    """Lay the whole scene, as of today."""
    who = _people()
    engagement_id, site_id, deadline_id = _museum(who)
    _bakery(who)
    draft = _draft(who)
    duty_id, freeze_id, round_id, defect_id = _duties(who, engagement_id, site_id)
    _talk(who, engagement_id, site_id)
    item_id, upload_id, list_id = _inventory(who, site_id, draft)
    scope_item_id, question_id, risk_id, network_id = _around_the_scope(who, engagement_id, site_id, draft)
    _team(who, engagement_id)
    _channels()
    draft_entry_id, moved_entry_id = _decisions(who, engagement_id, site_id)
    _stuck(engagement_id)
    manager_id, admin_id = who[MANAGER].person_id, who[ADMIN].person_id
    assert manager_id is not None
    assert admin_id is not None
    return Scene(
        engagement_id=engagement_id,
        customer_id=_days_off(who[MANAGER], engagement_id),
        site_id=site_id,
        draft_engagement_id=draft,
        deadline_id=deadline_id,
        path_site_id=_self_service(who),
        cutover_site_id=_cutover(who),
        change_request_id=_changes(who, engagement_id, deadline_id),
        inventory_item_id=item_id,
        inventory_upload_id=upload_id,
        site_list_upload_id=list_id,
        duty_id=duty_id,
        freeze_id=freeze_id,
        round_id=round_id,
        defect_id=defect_id,
        scope_item_id=scope_item_id,
        question_id=question_id,
        risk_id=risk_id,
        network_id=network_id,
        manager_id=manager_id,
        admin_id=admin_id,
        update_id=_unposted(who, draft),
        slack_account_path=_slack_account(),
        sign_in_path=_invitation(),
        draft_entry_id=draft_entry_id,
        moved_entry_id=moved_entry_id,
        block_id=_blocks(who, engagement_id),
        hours_upload_id=_sent_hours(who),
        unplaced_id=_timers(who, site_id),
    )


def _channels() -> None:
    """What Slack said of the museum's channels: one of the customer is there, and the team's own is shared."""
    with work():
        members = frozenset({"U7PRIYA"})
        for seen in (
            ChannelSeen("C0NORTHWIND", "northwind-migration", is_private=True, is_member=True, members=members),
            ChannelSeen("C0MIGRATION", "migration-team", is_external=True, is_member=True),
        ):
            channel_care.take_in(db.session, seen, now=utc_now())


def _days_off(who: Actor, engagement_id: UUID) -> UUID:
    """The museum closes for its inventory and between the years."""
    now = utc_now()
    with transaction(db.session, now=now):
        customer_id = engagements.get(db.session, who, engagement_id).customer_id
        for spec in (
            DayOffSpec(date(now.year, 12, 27), "Between the years", date(now.year, 12, 31)),
            DayOffSpec(date(now.year + 1, 3, 4), "Stocktaking"),
        ):
            add_days(db.session, who, customer_id, spec, now=now)
    return customer_id


def _people() -> dict[str, Actor]:
    specs = (
        PersonSpec(ADMIN, "Ada Okafor", "admin", time_zone="Europe/Berlin"),
        PersonSpec(MANAGER, "Jonas Weber", "engagement_manager", time_zone="Europe/Berlin"),
        PersonSpec(ENGINEER, "Mei Lindqvist", "engineer", time_zone="Europe/Stockholm"),
        PersonSpec(APPROVER, "Priya Nair", "customer_approver", "Northwind Museums", "U7PRIYA", "Europe/London"),
        PersonSpec(VIEWER, "Tom Baker", "customer_viewer", "Northwind Museums"),
    )
    hashed = hash_password(PASSWORD)
    actors: dict[str, Actor] = {}
    for spec in specs:
        with work():
            added = person.add_person(db.session, SYSTEM, spec, now=utc_now())
            actors[spec.email] = people.actor_of(db.session, added)
            person.edit_self(db.session, actors[spec.email], OwnChange(password_hash=hashed), now=utc_now())
    return actors


def _spec(name: str, customer: str, **over: object) -> EngagementSpec:
    today = utc_now().date()
    values: dict[str, object] = {
        "name": name,
        "customer": customer,
        "time_zone": "Europe/London",
        "country": "GB",
        "agreement": AgreementSpec("SOW-2026-118", today - timedelta(days=60), Windows(uat=8, cutover=2, hypercare=10)),
        "slack_channel": "C0NORTHWIND",
        "internal_slack_channel": "C0MIGRATION",
        "kickoff_on": today - timedelta(days=17),
        "manager": MANAGER,
        "account_rep": "Lena Fischer",
    }
    return EngagementSpec(**(values | over))  # type: ignore[arg-type]


def _site(who: Actor, engagement_id: UUID, name: str, url: str, **over: object) -> UUID:
    values = {"name": name, "url": url, "cms": "wordpress", "cms_version": "6.7", "plan": "performance_m"} | over
    with work():
        return site.add_site(db.session, who, engagement_id, SiteChange(values), now=utc_now()).id


def _log(who: Actor, site_id: UUID, minutes: int, note: str, *, days_ago: int = 1, upto: str = "draft", **over: object) -> None:
    now = utc_now()
    said: dict[str, object] = {"kind": WorkKind.ALLOWANCE, "activity": "research"} | over
    stated = Work(site_id=site_id, worked_on=now.date() - timedelta(days=days_ago), minutes=minutes, note=note, **said)  # type: ignore[arg-type]
    with work():
        entry = time_entry.book(db.session, who, stated, now=now)[0].entry
        if upto in ("submitted", "approved"):
            time_entry.submit(db.session, who, entry.id, now=now)
        if upto == "approved":
            time_entry.approve(db.session, SYSTEM, entry.id, now=now)


def _stuck(engagement_id: UUID) -> None:
    """Two notices that their channel did not take, and one that Slack may have."""
    mine = sa.select(OutboxNotice.id).where(OutboxNotice.engagement_id == engagement_id, OutboxNotice.state == "planned")
    reasons = ("parked", "The channel does not take it: not_in_channel."), ("dead", "Slack refuses the message: msg_too_long.")
    with work():
        found = db.session.scalars(mine.order_by(OutboxNotice.due_at.desc(), OutboxNotice.id).limit(3)).all()
        for notice_id, (state, reason) in zip(
            found, [*reasons, ("unknown", "Whether it was sent is being looked up.")], strict=False
        ):
            values = {"state": state, "reason": reason, "attempts": 1}
            db.session.execute(sa.update(OutboxNotice).where(OutboxNotice.id == notice_id).values(**values))


def _dates(who: Actor, engagement_id: UUID, *specs: tuple[DeadlineKind, UUID | None, Dates]) -> list[UUID]:
    made = []
    for kind, site_id, dates in specs:
        with work():
            made.append(deadline.set_date(db.session, who, engagement_id, DateSpec(kind, dates, site_id), now=utc_now()).id)
    return made


def _museum(who: dict[str, Actor]) -> tuple[UUID, UUID, UUID]:
    manager, engineer = who[MANAGER], who[ENGINEER]
    with work():
        made = engagement.create_engagement(
            db.session, manager, _spec("Three-site migration", "Northwind Museums"), now=utc_now()
        )
        engagement.add_member(db.session, manager, made.id, engineer.person_id, now=utc_now())  # type: ignore[arg-type]
    www = _site(manager, made.id, "www", "https://www.northwind.example")
    shop = _site(manager, made.id, "shop", "https://shop.northwind.example", package="premium", premium_option="extra-hours-10")
    archive = _site(
        manager, made.id, "archive", "https://archive.northwind.example", cms="drupal", cms_version="10.3", plan="basic"
    )
    with work():
        agreed = requirements.agree_requirements(db.session, manager, made.id, now=utc_now())
        requirements.sign(db.session, who[APPROVER], made.id, "requirements", agreed.hash, now=utc_now())
    for kind in ("inventory", "kickoff"):
        _finish(manager, made.id, kind)
    for each in (www, shop):
        _settle_scope(engineer, manager, each)
    for stage in ("qualified", "migrating", "migrated", "remediating", "ready_for_uat", "in_uat"):
        for each in (www, shop):
            with work():
                site.move_site(db.session, manager, each, stage, now=utc_now())
    with work():
        spec = BlockSpec(480, "Q-2210 cron module and S3", utc_now().date() - timedelta(days=9))
        budget.sell_block(db.session, manager, made.id, spec, now=utc_now())
    _hours(engineer, www, shop, archive)
    today = utc_now().date()
    cutover = datetime.combine(today + timedelta(days=19), datetime.min.time()).astimezone().replace(hour=16)
    (uat, *_rest) = _dates(
        manager,
        made.id,
        (DeadlineKind.UAT, www, Dates(due_on=today + timedelta(days=6))),
        (DeadlineKind.UAT, shop, Dates(due_on=today - timedelta(days=2))),
        (DeadlineKind.CODE_FREEZE, www, Dates(due_on=today - timedelta(days=8))),
        (DeadlineKind.DNS_CUTOVER, www, Dates(due_at=cutover)),
    )
    return made.id, shop, uat


def _blocks(who: dict[str, Actor], engagement_id: UUID) -> UUID:
    """The block that was sold ends soon; it was entered twice, and the other one was voided. Returns one that is unused."""
    manager, today = who[MANAGER], utc_now().date()
    used, *_others, unused = budgets.blocks_of(db.session, engagement_id)
    used_id, unused_id = used.id, unused.id
    with work():
        change = BlockChange({"expires_on": today + timedelta(days=8)})
        ps_block.change_block(db.session, manager, used_id, change, now=utc_now())
    with work():
        spec = BlockSpec(480, "Q-2210 cron module and S3", today - timedelta(days=9), today + timedelta(days=8))
        again = budget.sell_block(db.session, manager, engagement_id, spec, now=utc_now()).id
    with work():
        ps_block.void_block(db.session, manager, again, "Entered twice", now=utc_now())
    return unused_id


def _finish(manager: Actor, engagement_id: UUID, kind: str) -> None:
    found = deadlines.one(db.session, engagement_id, None, kind)
    assert found is not None
    deadline_id = found.id
    with work():
        deadline.change_date(db.session, manager, deadline_id, DateChange(None, done_at=utc_now()), now=utc_now())


def _hours(engineer: Actor, www: UUID, shop: UUID, archive: UUID) -> None:
    _log(engineer, www, 135, "Yoast indexables stalled the import; found the known workaround", days_ago=6, upto="approved")
    _log(engineer, www, 60, "Redirect loop with the primary domain", days_ago=3, upto="submitted")
    solved = {"activity": "known_solution", "known_issue_id": "wp-accessally-protected-content"}
    _log(engineer, shop, 225, "Moved protected content into the uploads tree", days_ago=5, upto="approved", **solved)
    _log(engineer, shop, 60, "WooCommerce sessions behind the page cache", days_ago=2, upto="submitted")
    _log(engineer, archive, 90, "Which Solr schema is live? Compared both", days_ago=1)
    _log(
        engineer,
        shop,
        150,
        "Cron module for stock sync",
        days_ago=2,
        upto="approved",
        kind=WorkKind.PS,
        activity=None,
        ps_kind="cron-custom-module",
    )


def _decisions(who: dict[str, Actor], engagement_id: UUID, shop: UUID) -> tuple[UUID, UUID]:
    """A draft, an entry that was moved to PS work, and days that are closed."""
    manager, engineer, now = who[MANAGER], who[ENGINEER], utc_now()
    said = Work(shop, now.date() - timedelta(days=4), 30, WorkKind.INCLUDED, note="Cron module: which events run when")
    with work():
        draft = time_entry.book(db.session, engineer, replace(said, minutes=15, note="Uploads, last pass"), now=now)[0].entry.id
        logged = time_entry.book(db.session, engineer, said, now=now)[0].entry.id
        time_entry.submit(db.session, engineer, logged, now=now)
        time_entry.approve(db.session, manager, logged, now=now)
    with work():
        to = time_entry.Target(WorkKind.PS, ps_kind="cron-custom-module")
        moved = time_entry.move(db.session, manager, logged, to, now=now)[0].entry.id
    with work():
        through = now.date() - timedelta(days=20)
        hours_lock.close_hours(db.session, manager, engagement_id, through, "Billed with invoice 2210.", now=now)
    return draft, moved


def _bakery(who: dict[str, Actor]) -> None:
    manager = who[MANAGER]
    today = utc_now().date()
    spec = _spec(
        "Bakery relaunch", "Blé & Miel Boulangerie", time_zone="Europe/Paris", country="FR", kickoff_on=today + timedelta(days=12)
    )
    with work():
        made = engagement.create_engagement(db.session, manager, spec, now=utc_now())
    _site(manager, made.id, "Boutique", "https://boutique.ble-miel.example")
    with work():
        requirements.agree_requirements(db.session, manager, made.id, now=utc_now())


def _draft(who: dict[str, Actor]) -> UUID:
    spec = _spec(
        "مكتبة 📚 Digital library", "Al-Noor Library", time_zone="Asia/Dubai", country="AE", kickoff_on=None, slack_channel=None
    )
    with work():
        return engagement.create_engagement(db.session, who[MANAGER], spec, now=utc_now()).id


ANSWERS = {
    "search_provider": "none",
    "has_htaccess_redirects": True,
    "sends_email": True,
    "uses_php_sessions": False,
    "cron_need": "finer_than_hourly",
    "certificate": "managed",
}


def _settle_scope(engineer: Actor, manager: Actor, site_id: UUID) -> None:
    """Answer everything about a site, and do all that is to be done before its acceptance test."""
    known = {"facts": ANSWERS, "network": False, "upstream_choice": "default"}
    with work():
        site.edit_site(db.session, manager, site_id, SiteChange(known), now=utc_now())
    for item in scopes.holding_up_uat(db.session, site_id):
        done = {"work_state": "done", "evidence": "Checked on Dev and Test, see the transfer report."}
        with work():
            scope.change_item(db.session, engineer, item.id, ItemChange(done), now=utc_now())


def _self_service(who: dict[str, Actor]) -> UUID:
    """A guided self-service migration: a path that failed on WP Engine's host, and one that is half way."""
    spec = _spec("Museum blog", "Northwind Museums", type="self_service", agreement=None, kickoff_on=None)
    with work():
        made = engagement.create_engagement(db.session, who[MANAGER], spec, now=utc_now())
    facts = {"source_host": "WP Engine", "plugin_installable": True, "archive_mb": 240, "composer_managed": False}
    blog = _site(who[MANAGER], made.id, "Blog", "https://blog.northwind.example", facts=facts)
    customer = who[APPROVER]
    for runbook in ("wordpress-guided-2021", "wordpress-guided-2024"):
        with work():
            chosen = path.choose_path(db.session, customer, blog, runbook, now=utc_now())
        if runbook == "wordpress-guided-2021":
            with work():
                path.fail_path(db.session, customer, chosen.id, path.Failure("cdn-blocks-post"), now=utc_now())
    _walk(customer, chosen.id, upto=4)
    return blog


def _cutover(who: dict[str, Actor]) -> UUID:
    """A site whose DNS is being switched, which waits for the customer's name."""
    with work():
        made = engagement.create_engagement(db.session, who[MANAGER], _spec("Museum tickets", "Northwind Museums"), now=utc_now())
    tickets = _site(who[MANAGER], made.id, "Tickets", "https://tickets.northwind.example")
    with work():
        agreed = requirements.agree_requirements(db.session, who[MANAGER], made.id, now=utc_now())
        requirements.sign(db.session, who[APPROVER], made.id, "requirements", agreed.hash, now=utc_now())
        db.session.get_one(Site, tickets).stage = "cutover_open"
    return tickets


def _walk(who: Actor, path_id: UUID, *, upto: int) -> None:
    """Do the first steps of a path."""
    answers = {"core_version": "6.7", "extension_inventory": "14 plugins, 1 theme", "php_version": "8.2"}
    answers |= {"source_url": "https://blog.northwind.example", "target_site_name": "northwind-blog"}
    walked = path.walk_of(db.session, who, path_id)
    for step in walked.steps[:upto]:
        said = walked.said(step)
        checks = [check.id for check in checks_of(said, walked.catalogue.runbooks)]
        inputs = {name: answers.get(name, "as agreed") for name in said.inputs}
        change = path.StepChange(None, inputs, "Seen on the dashboard", checks, done=True)
        with work():
            path.change_step(db.session, who, step.id, change, now=utc_now())


def _changes(who: dict[str, Actor], engagement_id: UUID, deadline_id: UUID) -> UUID:
    """One request that is done, one that is new, and one that waits for the customer's signature; the last of them."""
    manager, approver = who[MANAGER], who[APPROVER]
    hours = RequestSpec(
        [{"kind": "ps_hours", "minutes": 240, "reference": "Q-2231"}], "Four hours for the search", "The new index needs it.", 240
    )
    later = (utc_now() + timedelta(days=9)).date().isoformat()
    moved = RequestSpec(
        [{"kind": "move_date", "deadline_id": str(deadline_id), "due_on": later}], "", "Half of our testers are away that week."
    )
    shop = {"kind": "add_site", "name": "tickets", "url": "https://tickets.northwind.example", "plan": "basic"}
    search = {"kind": "scope", "item": "Search in three languages", "decision": "ps", "site_id": None}
    added = RequestSpec([shop, search], "The ticket shop moves too", "Its old host closes at the end of the year.", 120)
    with work():
        asked = change_request.raise_request(db.session, manager, engagement_id, hours, now=utc_now())
        for each in (manager, approver):
            change_request.approve(db.session, each, asked.id, now=utc_now())
    with work():
        change_request.raise_request(db.session, who[VIEWER], engagement_id, moved, now=utc_now())
    with work():
        waiting = change_request.raise_request(db.session, manager, engagement_id, added, now=utc_now())
        return change_request.approve(db.session, manager, waiting.id, now=utc_now()).id


EXTENSIONS = (
    "slug,name,version,status", "autoptimize,Autoptimize,3.1.9,active", "adthrive-ads,AdThrive Ads,3.6.2,active",
    "contact-form-7,Contact Form 7,5.9.8,active", "museum-tickets,Museum Tickets,1.4.0,active",
    "hello-dolly,Hello Dolly,1.7.2,inactive", "accessally,AccessAlly,4.0,inactive", "old-gallery,Old Gallery,0.9,active",
)  # fmt: skip
NEXT_LIST = (
    *EXTENSIONS[:6], "better-search-replace,Better Search Replace,1.4.7,active", "=cmd|' /C calc'!A0,,1,",
    "Autoptimize,,3,active",
)  # fmt: skip
SITE_LIST = (
    "Site;URL;System;Plan;Package", "Reading room;reading.al-noor.example;Drupal 10;Elite;Standard",
    "Archive;archive.al-noor.example;Drupal 7;;Standard", "Blog;blog.al-noor.example;WordPress;Performance S;Standard",
    "Events;http//events al-noor;WordPress;;Standard", "Maps;maps.al-noor.example;Joomla;;",
)  # fmt: skip


def _inventory(who: dict[str, Actor], site_id: UUID, draft: UUID) -> tuple[UUID, UUID, UUID]:
    """What is installed on the museum's shop, a later list that was only looked at, and a list of sites."""
    now = utc_now()
    first, second = (read_inventory("\n".join(lines).encode()) for lines in (EXTENSIONS, NEXT_LIST))
    sites = read_site_list("\n".join(SITE_LIST).encode())
    with work():
        inventory.import_file(db.session, who[APPROVER], site_id, first, now=now, name="museum-shop.csv")
        upload = inventory.keep_file(db.session, who[APPROVER], site_id, second, now=now, name="museum-shop-2.csv").id
        listed = site_list.keep_list(db.session, who[MANAGER], draft, sites, now=now, name="sites.csv").id
        item = next(each.id for each in inventories.of_site(db.session, site_id) if each.slug == "museum-tickets")
        change = VerdictChange(
            frozenset({"verdict", "note", "estimate_minutes"}), "works", "Sells a ticket on the copy, twice.", 30
        )
        inventory.say_verdict(db.session, who[ENGINEER], item, change, now=now)
    return item, upload, listed


def _talk(who: dict[str, Actor], engagement_id: UUID, shop: UUID) -> None:
    """What both sides of the museum's engagement said, recorded and linked."""
    now, manager, approver = utc_now(), who[MANAGER], who[APPROVER]
    with work():
        notes: dict[str, object] = {
            "held_on": now.date() - timedelta(days=17),
            "notes": "Three sites, one launch each. The shop goes last.\nThe museum owns its DNS; Tom switches it.",
            "internal_notes": "Their host is slow to answer; ask for access early.",
            "attendees": [
                Attendee("Priya Nair", "customer", "head of digital"),
                Attendee("Tom Baker", "customer", "IT"),
                Attendee("Jonas Weber", "team", "engagement manager"),
                Attendee("Mei Lindqvist", "team", "migrations engineer"),
            ],
        }
        kickoff.record_kickoff(db.session, manager, engagement_id, KickoffChange(notes), now=now)
    for title, kind, audience in (
        ("Agreement SOW-2026-118", LinkKind.AGREEMENT, Audience.CUSTOMER),
        ("Test script for the shop", LinkKind.TEST_SCRIPT, Audience.CUSTOMER),
        ("Estimate of the search work", LinkKind.DOCUMENT, Audience.INTERNAL),
    ):
        with work():
            spec = LinkSpec(kind, title, "https://docs.example.com/northwind", audience)
            link.add_link(db.session, manager, engagement_id, spec, now=now)
    for speaker, text, reader, site_id in (
        (approver, "The catalogue team still edits the shop until Thursday. Is that a problem for the freeze?",
         Audience.CUSTOMER, shop),
        (manager, "They ask for the second time; decide by tomorrow.", Audience.INTERNAL, shop),
        (manager, "Not for the code freeze: content may change until the content freeze, two days before the launch.",
         Audience.CUSTOMER, shop),
    ):  # fmt: skip
        with work():
            comment.comment(db.session, speaker, engagement_id, CommentSpec(text, reader, site_id), now=now)
    for text, days in (("Who may change the DNS records of archive.northwind.example?", 2), ("Which pages have forms?", None)):
        with work():
            due = now.date() + timedelta(days=days) if days else None
            db.session.add(Question(engagement_id=engagement_id, text=text, side="customer", due_on=due, asked_at=now))
    with work():
        update = weekly_update.compose_update(db.session, manager, engagement_id, now=now)
        weekly_update.post_update(db.session, manager, update.id, now=now)


def _duties(who: dict[str, Actor], engagement_id: UUID, shop: UUID) -> tuple[UUID, UUID, UUID, UUID]:
    """A duty to be done, a code freeze that is on and answered, a round of UAT with what was found."""
    manager, approver, viewer = who[MANAGER], who[APPROVER], who[VIEWER]
    now = utc_now()
    with work():
        frozen = FreezeSpec(FreezeKind.CODE, now - timedelta(days=8))
        made = freeze.schedule(db.session, manager, shop, frozen, now=now).freeze.id
        freeze.acknowledge(db.session, approver, made, FreezeAnswer.ACCEPT_RESPONSIBILITY, now=now)
        until = now + timedelta(days=2)
        freeze.override(db.session, manager, made, "Prices of the winter sale", "The sale was announced before.", until, now=now)
    with work():
        testers = [{"name": "Tom Baker", "email": VIEWER}, {"name": "Ines Duarte", "email": ""}]
        tested = uat.start(db.session, manager, shop, testers, now=now).round.id
        found = [
            uat.report(db.session, viewer, shop, title, details, now=now).defect.id
            for title, details in (
                ("The search finds no membership", "Search for “membership”: no result. The old site shows four."),
                ("Basket is empty after signing in", ""),
                ("The old logo in the footer", "It is wrong on the old site as well."),
            )
        ]
        fixed = DefectChange(None, classification=DefectClass.MIGRATION_DEFECT, state=DefectState.FIXED)
        uat.change_defect(db.session, manager, found[1], fixed)
    with work():
        access = duties.one(db.session, engagement_id, shop, "source-access")
        channel = duties.one(db.session, engagement_id, None, "join-channel")
        assert access is not None
        assert channel is not None
        said = DutyChange(None, frozenset({"due_on"}), due_on=now.date() + timedelta(days=3))
        duty.change_duty(db.session, manager, access.id, said, now=now)
        done = DutyChange(None, frozenset({"state"}), DutyState.DONE, "Priya, Tom and Ines are in.")
        duty.change_duty(db.session, approver, channel.id, done, now=now)
        access_id = access.id
    return access_id, made, tested, found[0]


def _around_the_scope(who: dict[str, Actor], engagement_id: UUID, shop: UUID, draft_id: UUID) -> tuple[UUID, UUID, UUID, UUID]:
    """An item of the team's own with a proposal, questions, risks, and a network that may be split."""
    manager, engineer, now = who[MANAGER], who[ENGINEER], utc_now()
    own = OwnItem(
        "Retire the S3 bucket of the old shop", "ps", "Quote Q-2210, agreed at the kick-off.", site_id=shop, due_before="launch"
    )
    proposal = {"proposed_decision": "out_of_scope", "proposed_reason": "The customer empties the bucket on their own."}
    with work():
        item = scope.add_item(db.session, manager, engagement_id, own, now=now)
        scope.change_item(db.session, engineer, item.id, ItemChange(proposal), now=now)
    day = now.date() + timedelta(days=2)
    asked = [
        QuestionSpec(
            "Who may change the DNS records at the registrar?", "customer", owner_id=who[APPROVER].person_id, due_on=day
        ),
        QuestionSpec("Will the old newsletter form still be needed?", "customer", site_id=shop),
        QuestionSpec("Which team stands by on the day of the launch?", "team", owner_id=engineer.person_id, due_on=day),
    ]
    with work():
        made = [question.ask(db.session, manager, engagement_id, each, now=now) for each in asked]
        answered = QuestionChange({"answer": "No. It was replaced last year."})
        question.change_question(db.session, who[VIEWER], made[1].id, answered, now=now)
        raised = risk.raise_risk(
            db.session,
            manager,
            engagement_id,
            RiskSpec(
                "The stock plugin is not maintained any more", "Find one that is, before UAT", "blocks", site_id=shop, due_on=day
            ),
            now=now,
        )
        slow = RiskSpec("DNS changes take the registrar two days", "Lower the TTL a week ahead", "warns", audience="customer")
        risk.raise_risk(db.session, engineer, engagement_id, slow, now=now)
    network = _site(manager, draft_id, "library network", "https://library.noor.example", network=True)
    return item.id, made[0].id, raised.id, network


def _team(who: dict[str, Actor], engagement_id: UUID) -> None:
    """The engineer is away while an administrator covers, and the customer has a question to answer."""
    today = utc_now().date()
    away, stand_in = who[ENGINEER].person_id, who[ADMIN].person_id
    assert away is not None
    assert stand_in is not None
    with work():
        spec = CoverSpec(stand_in, today - timedelta(days=1), today + timedelta(days=4), "On leave")
        cover.arrange(db.session, who[ENGINEER], away, spec, now=utc_now())
        text = "Which of the museum’s sites use the Solr search?"
        db.session.add(Question(engagement_id=engagement_id, text=text, side="customer", asked_at=utc_now()))


def _unposted(who: dict[str, Actor], engagement_id: UUID) -> UUID:
    """An update that is still a draft."""
    with work():
        return weekly_update.compose_update(db.session, who[MANAGER], engagement_id, now=utc_now()).id


def _timers(who: dict[str, Actor], shop: UUID) -> UUID:
    """The engineer's timer runs, after one for which the allowance had too little; an administrator's was forgotten."""
    now = utc_now()
    asked = timer.StartOrder(shop, WorkKind.ALLOWANCE, "research", note="Basket empty after signing in")
    begun = now - timedelta(minutes=130)
    with transaction(db.session, now=begun):
        timer.start(db.session, who[ENGINEER], asked, now=begun)
    with work():
        kept = timer.stop(db.session, who[ENGINEER], now=now).unplaced
        assert kept is not None
    order = timer.StartOrder(shop, WorkKind.INCLUDED, note="Object cache and page cache")
    for email, minutes in ((ENGINEER, 42), (ADMIN, 14 * 60 + 20)):
        begun = now - timedelta(minutes=minutes)
        with transaction(db.session, now=begun):
            timer.start(db.session, who[email], order, now=begun)
    return kept.id


def _invitation() -> str:
    """The address of a sign-in link that nobody has used; for somebody whom no picture needs to sign in."""
    with work():
        spec = PersonSpec("ines@northwind.example", "Ines Duarte", "customer_viewer", "Northwind Museums")
        invited = person.add_person(db.session, SYSTEM, spec, now=utc_now())
        return f"/sign-in/{sign_in.make_link(db.session, SYSTEM, invited.id, now=utc_now())}"


def _sent_hours(who: dict[str, Actor]) -> UUID:
    """A week of the engineer's hours that was sent and looked at: good rows, one that is there already, and bad ones."""
    now = utc_now()
    day = (now.date() - timedelta(days=4)).isoformat()
    head = "Day;Site;Hours;Kind;Activity;Note"
    there = f"{day};www;0:30;Included work;;Weekly call with the museum"
    rows = (
        there,
        f"{day};www;1:15;Known incompatibility;Research;Redirects of the old event calendar",
        f"{day};archive.northwind.example;45m;Known incompatibility;Research;=Solr fields, compared again",
        f"{day};shop;2,5;Known incompatibility;Research;Stock sync writes every minute",
        f"{day};shop;30;Included work;;",
        "3/2/2026;www;1h;Included work;;Call",
        f"{day};Boutique;1h;Included work;;Help with the theme",
    )
    engineer = who[ENGINEER]
    with work():
        first = read_entries("\n".join((head, there)).encode())
        time_import.import_file(db.session, engineer, first, now=now)
        file = read_entries("\n".join((head, *rows)).encode())
        return time_import.keep_file(db.session, engineer, file, split=False, now=now, name="week.csv").id


def _slack_account() -> str:
    """The link that a Slack account of nobody was shown."""
    with work():
        account_link.offer(db.session, "a-guest", "U0GUEST7KQ", "T0MUSEUM", now=utc_now())
    return "/slack/account/a-guest"
