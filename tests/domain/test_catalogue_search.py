"""What differs between two versions of the catalogue."""

from dataclasses import replace

from tracker.catalog.loader import newest
from tracker.domain.catalogue_search import differences


def test_a_version_does_not_differ_from_itself() -> None:
    assert differences(newest(), newest()) == {}


def test_what_was_added_removed_and_changed_is_named_by_its_id() -> None:
    before = newest()
    first, *rest = before.offering.included
    more = replace(first, id="a-new-thing")
    other = replace(rest[0], title="Another title")
    offering = replace(before.offering, included=(more, other, *rest[1:]), ps_minimum_hours=5)
    found = differences(before, replace(before, version=2, offering=offering))
    assert set(found) == {"included", "other"}
    assert found["included"].added == ("a-new-thing",)
    assert found["included"].removed == (first.id,)
    assert found["included"].changed == (rest[0].id,)
    assert found["other"].changed == ("ps_minimum_hours",)
