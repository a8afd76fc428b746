"""One engagement in which everything happens that anybody is told of; and the pictures of all its messages.

`python -m tests.every_kind [--out FOLDER]` posts one message of each kind to the double and takes pictures of its page.
"""

import argparse
import re
import tempfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import sync_playwright

from tests.browser import launch_options
from tests.conftest import migrated, settings_for
from tests.factories import (
    NOW,
    actor,
    agree,
    internal_words,
    make_defect,
    make_engagement,
    make_freeze,
    make_person,
    make_question,
    make_round,
    make_site,
    raise_change_request,
    say,
    some_work,
)
from tests.slack_double import page as channel_page
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import Channel
from tracker.app import create_app
from tracker.domain.deadline import KINDS, Dates, DeadlineKind
from tracker.domain.freeze import FreezeAnswer
from tracker.domain.notice import Marks, Post, Sent
from tracker.domain.notice_kind import NOTICE_KINDS
from tracker.services import budget as sale
from tracker.services import change_request as changes
from tracker.services import deadline as deadline_service
from tracker.services import digest, ps_block, risk, time_entry, uat
from tracker.services import engagement as engagement_service
from tracker.services import freeze as freeze_service
from tracker.services import requirements as requirements_service
from tracker.services import status_card as card_service
from tracker.services import weekly_update as update_service
from tracker.services.budget import BlockSpec
from tracker.services.change_request import RequestEdit
from tracker.services.deadline import DateSpec
from tracker.services.engagement import EngagementChange
from tracker.services.risk import RiskSpec
from tracker.slack.blocks import render
from tracker.slack.sender import SlackSender
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction

# The page loads itself anew every few seconds, which no picture waits for.
STILL = re.compile(r'<meta http-equiv="refresh"[^>]*>')
VIEWS = (("light", 1000, "light"), ("dark", 1000, "dark"), ("phone", 390, "light"))
CUSTOMERS, TEAMS = "CACME", "CTEAM"
JONAS, PRIYA = "U0JONAS", "U0PRIYA"
# These follow from the kick-off and the cutover.
FOLLOWING = (DeadlineKind.KICKOFF, DeadlineKind.INVENTORY, DeadlineKind.JOIN_CHANNEL, DeadlineKind.HYPERCARE_END)
KICKOFF, FAR = date(2026, 2, 16), date(2026, 9, 1)
# The mornings after, on which digests are written.
TUESDAY, MONDAY = datetime(2026, 3, 3, 8, 0, 1, tzinfo=UTC), datetime(2026, 3, 9, 8, 0, 1, tzinfo=UTC)


def lay(secret: str, **channels: str | None) -> Engagement:
    """Let everything happen once. Whatever is the team's own holds the word."""
    manager = make_person(name="Jonas Weber", slack_user_id=JONAS)
    approver = make_person("customer_approver", customer="City museum", name="Priya Nair", slack_user_id=PRIYA)
    engagement = make_engagement(
        manager,
        name="Museum move",
        customer="City museum",
        kickoff_on=FAR,
        account_rep="Dana Roth",
        **({"slack_channel": CUSTOMERS, "internal_slack_channel": TEAMS} | channels),
    )
    boss, signer = actor(manager), actor(approver)
    shop, blog, press = (make_site(engagement, name=name) for name in ("shop", "blog", "press"))
    agreed = agree(engagement)
    say(engagement, manager, "The new shop is up on the test host. Have a look at the search, please.")
    internal_words(engagement, boss, secret, NOW)
    make_question(engagement, "Who receives the mails of the contact form?", due_on=date(2026, 3, 13))
    with transaction(db.session, now=NOW):
        risk.raise_risk(db.session, boss, engagement.id, RiskSpec(f"Risk {secret}", secret), now=NOW)
        time_entry.book(db.session, boss, some_work(shop, 300, note=secret), now=NOW)
        spec = BlockSpec(240, "Q-7", date(2026, 2, 2), expires_on=date(2026, 3, 12))
        sale.sell_block(db.session, boss, engagement.id, spec, now=NOW)
        update = update_service.compose_update(db.session, boss, engagement.id, now=NOW)
        update_service.post_update(db.session, boss, update.id, now=NOW)
    freeze = make_freeze(blog)
    with transaction(db.session, now=NOW):
        freeze_service.acknowledge(db.session, signer, freeze.id, FreezeAnswer.FREEZE, now=NOW)
    round_id = make_round(shop).id
    make_defect(shop, "The basket forgets what is in it", approver)
    with transaction(db.session, now=NOW):
        uat.reject(db.session, signer, round_id, "The basket does not work.", version=None, now=NOW)
    make_round(press)
    with transaction(db.session, now=NOW):
        requirements_service.sign(db.session, signer, engagement.id, "uat", agreed.hash, site_id=press.id, now=NOW)
    _change_requests(engagement, manager, approver)
    _dates(engagement, boss, shop.id, approver.id)
    with transaction(db.session, now=NOW):
        if any(channels.get(name, "C") for name in ("slack_channel", "internal_slack_channel")):
            card_service.post_status_card(db.session, boss, engagement.id, now=NOW)
    for turn, moment in ((ps_block.turn_due, NOW), (digest.daily_due, TUESDAY), (digest.weekly_due, MONDAY)):
        with transaction(db.session, now=moment):
            while turn(db.session, now=moment):
                pass
    return engagement


def _change_requests(engagement: Engagement, manager: Any, approver: Any) -> None:
    """One that goes all the way, one that each side has approved first, one that is rejected."""
    by_customer, by_team = actor(approver), actor(manager)
    first = raise_change_request(engagement, approver, title="Four more hours")
    second = raise_change_request(engagement, manager, title="Hours for the search", estimate_minutes=60)
    third = raise_change_request(engagement, approver, title="A blog in Frisian")
    with transaction(db.session, now=NOW):
        changes.edit_request(db.session, by_team, first.id, RequestEdit({"estimate_minutes": 60}), now=NOW)
    for who, request in ((by_customer, first), (by_team, second)):
        with transaction(db.session, now=NOW):
            changes.approve(db.session, who, request.id, now=NOW)
    with transaction(db.session, now=NOW):
        changes.approve(db.session, by_customer, second.id, now=NOW)
        changes.reject(db.session, by_team, third.id, "There is no blog to translate.", now=NOW)


def _dates(engagement: Engagement, boss: Any, site_id: Any, owner_id: Any) -> None:
    """Each kind of date, far enough ahead for every reminder of its ladder; and then some that are late."""
    set_by_hand = [kind for kind in DeadlineKind if kind not in FOLLOWING]
    for number, kind in enumerate(set_by_hand):
        at = kind in (DeadlineKind.DNS_CUTOVER, DeadlineKind.CONTENT_FREEZE)
        day = FAR + timedelta(days=number)
        dates = Dates(due_at=datetime.combine(day, time(20), UTC)) if at else Dates(due_on=day)
        title = "Hand-over of the fonts" if kind is DeadlineKind.CUSTOM else None
        place = site_id if KINDS[kind].of_site else None
        spec = DateSpec(kind, dates, site_id=place, title=title, owner_id=owner_id)
        with transaction(db.session, now=NOW):
            deadline_service.set_date(db.session, boss, engagement.id, spec, now=NOW)
    # Then the kick-off turns out to have been two weeks ago: the inventory is late, and digests are written.
    with transaction(db.session, now=NOW):
        change = EngagementChange(None, {"kickoff_on": KICKOFF})
        engagement_service.edit_engagement(db.session, boss, engagement.id, change, now=NOW)


def notices_of(engagement: Engagement) -> list[OutboxNotice]:
    """All its notices, in the order in which they are due."""
    db.session.expire_all()
    query = sa.select(OutboxNotice).where(OutboxNotice.engagement_id == engagement.id)
    return list(db.session.scalars(query.order_by(OutboxNotice.due_at, OutboxNotice.id)))


def one_of_each(notices: Iterable[OutboxNotice]) -> dict[str, OutboxNotice]:
    """The last notice of each kind, in the order of the kinds."""
    found = {notice.kind: notice for notice in notices}
    return {kind: found[kind] for kind in NOTICE_KINDS if kind in found}


# What people did about some of them since, as an edit shows it.
SINCE = {
    "uat.2d": Marks(acknowledged="Acknowledged by Priya Nair, Fri 4 Sep 2026, 10:03 (Europe/Berlin)"),
    "access.2d": Marks(snoozed="Snoozed until Mon 7 Sep 2026, 09:00 (Europe/Berlin)"),
    "ttl.3d": Marks(done="Done by Priya Nair, Fri 4 Sep 2026, 10:03 (Europe/Berlin)"),
}


def channel_for(notice: OutboxNotice) -> str:
    """Messages of a family stand together, the team's apart from the customer's."""
    return f"{notice.kind.partition('.')[0].replace('_', '-')}-{'team' if notice.channel == TEAMS else 'customer'}"


def post_all(told: Iterable[OutboxNotice]) -> SlackDouble:
    """A double with a message of each kind in it."""
    notices = list(told)
    names = list(dict.fromkeys(channel_for(notice) for notice in notices))
    slack = SlackDouble(pace_seconds=0.0, channels=[Channel(f"C{number}", name) for number, name in enumerate(names)])
    slack.start()
    sender = SlackSender(slack.token, slack.base_url, timeout=5, proxy=None)
    for notice in notices:
        body = render(notice, base_url="https://tracker.example.com", marks=SINCE.get(notice.kind, Marks()))
        channel = f"C{names.index(channel_for(notice))}"
        sent = sender.send(Post(notice.id, channel, body["text"], body["blocks"]))
        assert isinstance(sent, Sent), (notice.kind, sent)
    return slack


def take_pictures(slack: SlackDouble, out: Path) -> None:
    """A picture of each channel, in light and dark and on a phone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        for view, width, scheme in VIEWS:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            page.set_content(STILL.sub("", channel_page.page(slack.workspace)))
            for section in page.locator("section").all():
                name = section.locator("h2").inner_text().partition(" ")[0].removeprefix("#")
                section.screenshot(path=out / f"message-{name}-{view}.png")
            context.close()
        browser.close()


def main() -> None:
    """Post one of each kind and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("shots"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        settings = settings_for(Path(name))
        migrated(settings)
        with create_app(settings).app_context():
            slack = post_all(one_of_each(notices_of(lay("the team's own words"))).values())
            db.session.remove()
            db.engine.dispose()
    try:
        take_pictures(slack, out)
    finally:
        slack.stop()


if __name__ == "__main__":
    main()
