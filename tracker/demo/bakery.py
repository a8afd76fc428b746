"""Blé & Miel: before the kick-off. The inventory is awaited, the requirements are agreed and not signed."""

from tracker.demo.cast import BAKER
from tracker.demo.chapter import Chapter
from tracker.demo.teller import Teller
from tracker.domain.engagement import Windows
from tracker.domain.link import LinkKind
from tracker.domain.notice import Audience
from tracker.services.question import QuestionSpec

CHANNEL, TEAM_CHANNEL = "C0BLEMIEL", "C0BLETEAM"
CHANNELS = {CHANNEL: "ble-miel-migration", TEAM_CHANNEL: "ble-miel-team"}


def tell(teller: Teller) -> Chapter:
    """The whole chapter, up to today."""
    chapter = Chapter.open(
        teller,
        "Bakery relaunch",
        "Blé & Miel Boulangerie",
        BAKER,
        ago=6,
        windows=Windows(uat=5, cutover=1, hypercare=5),
        reference="BM-77",
        time_zone="Europe/Paris",
        country="FR",
        slack_channel=CHANNEL,
        internal_slack_channel=TEAM_CHANNEL,
        kickoff_on=teller.workday(4),
    )
    boutique = chapter.list_site(
        "Boutique", "https://boutique.ble-miel.example", ago=5, cms="wordpress", cms_version="6.6", plan="performance_s"
    )
    chapter.list_site("Carnet", "https://carnet.ble-miel.example", ago=5, cms="wordpress", plan="basic")
    chapter.answer(boutique, {"sends_email": True, "network": False, "search_provider": "none"}, ago=4)
    paper = (LinkKind.AGREEMENT, "Agreement BM-77", "https://docs.example.com/ble-miel/agreement", Audience.CUSTOMER)
    chapter.add_links([paper], ago=4)
    chapter.agree(ago=3, signed=False)
    decider = "Who of you decides on the day of the launch?"
    chapter.ask([QuestionSpec(decider, "customer", None, chapter.approver.person_id, teller.workday(3))], ago=2)
    chapter.expect_duty("source-access", due_on=teller.workday(6), ago=2, site_id=boutique)
    chapter.say(chapter.approver, "Our agency exports the list of plugins tomorrow. Is a spreadsheet fine?", ago=1)
    chapter.say(chapter.manager, "A CSV file is fine: one line for each plugin, with its slug. You can upload it here.", ago=0)
    teller.end()
    return chapter
