"""The people of the demo: a team of three, and the people of three customers. All have one password."""

from tracker.demo.teller import Teller
from tracker.domain.access import SYSTEM
from tracker.services import person as service
from tracker.services.person import OwnChange, PersonSpec
from tracker.store.database import db

PASSWORD = "demo demo demo"  # noqa: S105 -- it is printed for whoever looks at the demo, and opens nothing else
ADMIN, MANAGER, ENGINEER = "ada@example.com", "jonas@example.com", "mei@example.com"
APPROVER, VIEWER = "priya@northwind.example", "tom@northwind.example"
BAKER, PILOT = "amelie@ble-miel.example", "marek@harbour.example"
CAST = (
    PersonSpec(MANAGER, "Jonas Weber", "engagement_manager", None, "U3JONAS", "Europe/Berlin"),
    PersonSpec(ADMIN, "Ada Okafor", "admin", None, "U1ADA", "Europe/Berlin"),
    PersonSpec(ENGINEER, "Mei Lindqvist", "engineer", None, "U2MEI", "Europe/Stockholm"),
    PersonSpec(APPROVER, "Priya Nair", "customer_approver", "Northwind Museums", "U7PRIYA", "Europe/London"),
    PersonSpec(VIEWER, "Tom Baker", "customer_viewer", "Northwind Museums", None, "Europe/London"),
    PersonSpec(BAKER, "Amélie Laurent", "customer_approver", "Blé & Miel Boulangerie", "U8AMELIE", "Europe/Paris"),
    PersonSpec(PILOT, "Marek Dvořák", "customer_approver", "Harbour Logistics", "U9MAREK", "Europe/Warsaw"),
)


def introduce(teller: Teller, password_hash: str) -> None:
    """Make everybody, weeks before the story begins."""
    for spec in CAST:
        with teller.step(90) as now:
            service.add_person(db.session, SYSTEM, spec, now=now)
        actor = teller.meet(spec.email)
        with teller.step(90) as now:
            service.edit_self(db.session, actor, OwnChange(password_hash=password_hash), now=now)
