"""Who was at the kick-off, as people type it: one line for each, "Name, side or role".

Source: docs/rules/conversation.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tracker.domain.errors import FieldError, Invalid
from tracker.domain.text import TextError, read_line

NOTES_LENGTH = 20_000
NAME_LENGTH = 200
MOST_ATTENDEES = 100
SIDES = {"customer": "Customer", "team": "Team"}


@dataclass(frozen=True)
class Attendee:
    """Somebody who was there: for which side, and as what."""

    name: str
    side: str
    role: str | None = None

    @property
    def line(self) -> str:
        """The line that is read as this person."""
        return ", ".join(filter(None, [self.name, self.side, self.role]))


def read_attendees(text: str) -> list[Attendee]:
    """Read one person from each line, such as "Priya Nair, customer, head of digital". Empty lines say nothing.

    Raises Invalid at `attendees`, naming each line that cannot be read.
    """
    found, errors = list[Attendee](), list[FieldError]()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(_read(line))
        except TextError as error:
            errors.append(FieldError("attendees", f"Line {number}: {error.message}"))
    if errors:
        raise Invalid(errors)
    return checked(found)


def _read(line: str) -> Attendee:
    name, side, role = (*(part.strip() for part in line.split(",", 2)), "", "")[:3]
    if not name:
        raise TextError("A name comes first, then a comma, then customer or team.")
    if side.casefold() not in SIDES:
        raise TextError("Say after the name which side they are on: customer or team.")
    return Attendee(read_line(name, NAME_LENGTH), side.casefold(), read_line(role, NAME_LENGTH) or None)


def checked(attendees: Iterable[Attendee]) -> list[Attendee]:
    """Tidy people who were named otherwise than by lines. Raises Invalid at `attendees`."""
    found, errors = list[Attendee](), list[FieldError]()
    for number, each in enumerate(attendees, 1):
        try:
            name = read_line(each.name, NAME_LENGTH)
            role = read_line(each.role, NAME_LENGTH) or None if each.role else None
        except TextError as error:
            errors.append(FieldError("attendees", f"Person {number}: {error.message}"))
            continue
        if not name or "," in name or each.side not in SIDES:
            errors.append(FieldError("attendees", f"Person {number}: a name without a comma, and customer or team."))
        found.append(Attendee(name, each.side, role))
    if len(found) > MOST_ATTENDEES:
        errors.append(FieldError("attendees", f"Name at most {MOST_ATTENDEES} people."))
    if errors:
        raise Invalid(errors)
    return found
