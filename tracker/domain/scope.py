"""Scope items: what is decided about each thing an engagement offers, and how far the work on it is."""

from enum import StrEnum


class Decision(StrEnum):
    """What one thing is for one site, named as the API names it."""

    INCLUDED = "included"
    PREMIUM = "premium"
    PS = "ps"
    OUT_OF_SCOPE = "out_of_scope"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not_applicable"


class WorkState(StrEnum):
    """How far the work on one thing is."""

    PLANNED = "planned"
    DOING = "doing"
    DONE = "done"
    NOT_NEEDED = "not_needed"
    WAIVED = "waived"
