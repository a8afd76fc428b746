"""Blé & Miel: before the kick-off. The inventory is awaited, the requirements are agreed and not signed."""

from tracker.demo.chapter import Chapter
from tracker.demo.teller import Teller
from tracker.domain.engagement import Windows

CHANNEL = "C0BLEMIEL"


def tell(teller: Teller) -> Chapter:
    """The whole chapter, up to today."""
    chapter = Chapter.open(
        teller,
        "Bakery relaunch",
        "Blé & Miel Boulangerie",
        ago=6,
        windows=Windows(uat=5, cutover=1, hypercare=5),
        reference="BM-77",
        time_zone="Europe/Paris",
        country="FR",
        slack_channel=CHANNEL,
        kickoff_on=teller.workday(6),
    )
    chapter.list_site("Boutique", "https://boutique.ble-miel.example", ago=5, cms="wordpress", plan="performance_s")
    chapter.list_site("Carnet", "https://carnet.ble-miel.example", ago=5, cms="wordpress", plan="basic")
    chapter.agree(ago=3)
    return chapter
