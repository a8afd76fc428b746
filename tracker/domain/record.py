"""What every record of the catalogue has in common: an id, and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

Cms = Literal["wordpress", "drupal"]
# Of a site's facts, the value each must have (or one of several) for an entry of the catalogue to apply.
Conditions = Mapping[str, str | bool | list[str]]


class Identified(Protocol):
    """An entry that others may name."""

    @property
    def id(self) -> str: ...


class Sourced(Identified, Protocol):
    """An entry that says where it comes from."""

    @property
    def source(self) -> str: ...


class Record:
    """An entry of a catalogue file: no field that is not named here."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Source(Record):
    """Where a statement of the catalogue comes from, under the short name that entries use."""

    id: str
    title: str
