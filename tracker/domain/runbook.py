"""Runbooks: the steps of a path, what each asks for, and what to do where one fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tracker.domain.record import Cms, Record


@dataclass(frozen=True, kw_only=True)
class RunbookStep(Record):
    """One step of a guided path: who does it, what is needed, how it is checked, what proves it."""

    id: str
    title: str
    actor: str
    source: str
    evidence: str
    inputs: tuple[str, ...] = ()
    optional_inputs: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()  # "auto: …", "human: …", or the name of a shared validation

    @property
    def asked(self) -> tuple[str, ...]:
        """Every input, those first without which the step is not done."""
        return (*self.inputs, *self.optional_inputs)


@dataclass(frozen=True, kw_only=True)
class OnFailure(Record):
    """Where a path that fails leads: another path, or somebody."""

    route: str
    source: str
    give: tuple[str, ...] = ()
    limit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Runbook(Record):
    """A guided path."""

    id: str
    title: str
    cms: tuple[Cms, ...]
    era: str
    status: Literal["current", "superseded"]
    when: tuple[str, ...]
    on_failure: OnFailure
    steps: tuple[RunbookStep, ...]
    not_when: tuple[str, ...] = ()
    preconditions: tuple[str, ...] = ()
    automatic_effects: tuple[str, ...] = ()
    failure_modes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    typical_duration: str | None = None
    helped_cap: str | None = None  # the cap that counts migrations in which the team helped


@dataclass(frozen=True, kw_only=True)
class ImportFault(Record):
    """A message of the host's importer, its cause and its remedy."""

    id: str
    message: str
    cause: str
    fix: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Runbooks(Record):
    actors: tuple[str, ...]
    shared_validations: Mapping[str, tuple[str, ...]]
    runbooks: tuple[Runbook, ...]
    import_faults: tuple[ImportFault, ...]
