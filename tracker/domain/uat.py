"""Rounds of the customer's acceptance test (UAT), who tests, and what they find wrong.

Sources: docs/rules/uat.md, BR-15, BR-29, BR-49, reading 8.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from tracker.domain.errors import FieldError, Invalid
from tracker.domain.lifecycle import Lifecycle, Step
from tracker.domain.text import TextError, read_line

MOST_TESTERS = 50
NAME_LENGTH, EMAIL_LENGTH = 200, 254


class RoundState(StrEnum):
    """How a round stands, or how it ended."""

    OPEN = "open"
    SIGNED = "signed"
    REJECTED = "rejected"
    LAPSED = "lapsed"


class DefectClass(StrEnum):
    """Whose a defect is, and who pays for mending it."""

    UNCLASSIFIED = "unclassified"
    MIGRATION_DEFECT = "migration_defect"
    PRE_EXISTING = "pre_existing"
    KNOWN_INCOMPATIBILITY = "known_incompatibility"
    OUT_OF_SCOPE = "out_of_scope"


class DefectState(StrEnum):
    """How far the work on a defect is."""

    OPEN = "open"
    FIXING = "fixing"
    FIXED = "fixed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


DEFECT_LIFECYCLE: Lifecycle = {
    "open": (Step("fixing"), Step("fixed"), Step("declined")),
    "fixing": (Step("fixed"), Step("open"), Step("declined")),
    "fixed": (Step("confirmed"), Step("open")),
    "confirmed": (),
    "declined": (Step("open"),),
}
# The customer looks at what was fixed: it is right, or it is not. Everything else is the team's to say.
CUSTOMERS_STEPS = frozenset({("fixed", "confirmed"), ("fixed", "open")})
UNSETTLED = frozenset({DefectState.OPEN, DefectState.FIXING, DefectState.FIXED})
# Where the test takes place; a round is open only there.
TESTED_STAGES = frozenset({"in_uat", "uat_fixing"})


def read_testers(said: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The people who test, tidied; the same name twice is one. Raises Invalid at `testers`."""
    if len(said) > MOST_TESTERS:
        raise Invalid.at("testers", f"Name at most {MOST_TESTERS} testers.")
    found: dict[str, dict[str, str]] = {}
    for each in said:
        try:
            name = read_line(str(each.get("name") or ""), NAME_LENGTH)
            email = read_line(str(each.get("email") or ""), EMAIL_LENGTH)
        except TextError as error:
            raise Invalid([FieldError("testers", error.message)]) from None
        if not name:
            raise Invalid.at("testers", "Name every tester.")
        if email and "@" not in email:
            raise Invalid.at("testers", f"“{email}” is not an e-mail address.")
        found[name.casefold()] = {"name": name} | ({"email": email} if email else {})
    return list(found.values())
