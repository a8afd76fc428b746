"""Lifecycles as data: which state follows which, and what each step needs. One pure function reads them all."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tracker.domain.errors import Guard, Invalid


@dataclass(frozen=True)
class Need:
    """Something that must be true before a step: the fact's name, its sentence for a person, the rule behind it."""

    fact: str
    sentence: str
    rule: str
    # Other facts that serve as well.
    or_else: tuple[str, ...] = ()

    def is_met(self, facts: Collection[str]) -> bool:
        return any(fact in facts for fact in (self.fact, *self.or_else))


@dataclass(frozen=True)
class Step:
    """A way from one state to the next."""

    to: str
    needs: tuple[Need, ...] = ()


Lifecycle = Mapping[str, tuple[Step, ...]]


def open_steps(
    lifecycle: Lifecycle, state: str, facts: Collection[str], waits: Mapping[str, str] | None = None
) -> list[tuple[Step, list[Need]]]:
    """Every step that leads out of a state, each with the needs that are not met.

    `waits` says of a fact what it waits for; it is added to the need's sentence.
    """
    return [
        (step, [_waiting(need, waits or {}) for need in step.needs if not need.is_met(facts)])
        for step in lifecycle.get(state, ())
    ]


def _waiting(need: Need, waits: Mapping[str, str]) -> Need:
    said = waits.get(need.fact)
    return replace(need, sentence=f"{need.sentence} {said}") if said else need


def advance(
    lifecycle: Lifecycle, state: str, to: str, facts: Collection[str] = (), waits: Mapping[str, str] | None = None
) -> str:
    """Return the new state.

    Raises Invalid for a state that does not exist, Guard for a step that does not exist from here or that still
    misses something; the guard names the first rule and lists all that is missing.
    """
    if to not in lifecycle:
        raise Invalid.at("to", f"There is no state called {to}. Choose one of: {', '.join(lifecycle)}.")
    for step, missing in open_steps(lifecycle, state, facts, waits):
        if step.to != to:
            continue
        if missing:
            sentence = " ".join(need.sentence for need in missing)
            raise Guard(sentence, rule=missing[0].rule, missing=[need.fact for need in missing])
        return to
    raise Guard(f"From {say_state(state)} there is no step to {say_state(to)}.", rule="order", missing=[])


def say_state(state: str) -> str:
    """A state's name as people read it."""
    return state.replace("_", " ").replace("uat", "UAT").replace("dns", "DNS")
