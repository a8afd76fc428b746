"""What an entry has to do with others, in words: taken back, moved, split off."""

from collections.abc import Iterable

from tracker.domain.budget import WorkKind
from tracker.store.time_entry import TimeEntry


def say_relation(entry: TimeEntry, family: Iterable[TimeEntry]) -> str | None:
    """What an entry is among those that belong to it; None for one that stands alone."""
    others = {each.id: each for each in family}
    moved_to = next((each for each in others.values() if each.moved_from_id == entry.id), None)
    if moved_to is not None:
        return f"moved to {say_kind(moved_to)}"
    if entry.state == "reversed":
        return "taken back"
    if entry.reverses_id is not None:
        return "gives it back"
    if entry.moved_from_id is not None:
        before = others.get(entry.moved_from_id)
        return f"moved from {say_kind(before)}" if before else "moved from another budget"
    if entry.split_from_id is not None:
        return "split off"
    return "first part of a split" if any(each.split_from_id == entry.id for each in others.values()) else None


def say_kind(entry: TimeEntry) -> str:
    """What kind of work an entry counts as, within a sentence: only names keep their capitals."""
    label = WorkKind(entry.kind).label
    return label if label.startswith(("PS", "Premium")) else f"{label[:1].lower()}{label[1:]}"
