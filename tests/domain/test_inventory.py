"""What a list changes about an inventory, and what is known of an extension."""

from typing import Any

import pytest

from tracker.catalog import loader
from tracker.domain.inventory import Change, Coverage, InventoryRow, ItemKind, Key, Known, Verdict, compare, find, settle
from tracker.domain.known_issue import KnownIssue
from tracker.domain.rejected_row import RejectedRow, guarded, unguarded

PLUGINS = Coverage(frozenset({ItemKind.PLUGIN}))


def row(slug: str, version: str | None = "1", number: int = 2) -> InventoryRow:
    return InventoryRow(number, slug, slug, version, "active", ItemKind.PLUGIN)


def known(slug: str, version: str | None = "1", **over: Any) -> tuple[Key, Known]:
    return (ItemKind.PLUGIN, slug.casefold()), Known(slug, slug, version, "active", **over)


@pytest.mark.parametrize(
    ("there", "sent", "change"),
    [
        pytest.param([], row("a"), Change.ADDED, id="new"),
        pytest.param([known("a")], row("a"), Change.UNCHANGED, id="the same"),
        pytest.param([known("a")], row("a", "2"), Change.UPDATED, id="another version"),
        pytest.param([known("a", removed=True)], row("a"), Change.UPDATED, id="back again"),
    ],
)
def test_a_row_changes_what_differs(there: list[tuple[Key, Known]], sent: InventoryRow, change: Change) -> None:
    ((_, found),) = compare(dict(there), [sent], [], PLUGINS).accepted
    assert found is change


def test_only_a_complete_list_says_that_something_is_gone_and_only_of_what_it_speaks_of() -> None:
    theme = (ItemKind.THEME.value, "divi"), Known("Divi", "Divi", "4", "active")
    there = dict([known("a"), known("gone"), known("gone-before", removed=True), theme])
    assert compare(there, [row("a")], [], None).removed == ()
    assert compare(there, [row("a")], [], PLUGINS).removed == (("plugin", "gone"),)
    unreadable = RejectedRow(3, "version", "x", "", slug="Gone")
    assert compare(there, [row("a")], [unreadable], PLUGINS).removed == (), "what could not be read is not gone"


def test_the_first_of_two_spellings_counts_also_where_one_names_its_kind() -> None:
    rows = [
        InventoryRow(2, "Divi", "Divi"),
        InventoryRow(3, "divi", "divi", kind=ItemKind.PLUGIN),
        InventoryRow(4, "divi", "divi"),
    ]
    kept, repeated = settle(rows, "wordpress")
    assert [(each.row, each.kind) for each in kept] == [(2, "plugin")]
    assert [each.row for each in repeated] == [3, 4]
    assert [each.kind for each in settle(rows[:1], "drupal")[0]] == ["module"]


def issue(disposition: str, status: str = "current") -> KnownIssue:
    said: dict[str, Any] = {
        "id": disposition, "cms": "wordpress", "kind": "plugin", "name": "A", "slug": "a", "slug_confidence": "high",
        "category": "email", "severity": "note", "disposition": disposition, "summary": "s", "source": "s", "status": status,
        "as_of": "2024-01",
    }  # fmt: skip
    return KnownIssue(**said)


@pytest.mark.parametrize(
    ("issues", "verdict"),
    [
        pytest.param([], Verdict.UNKNOWN, id="not listed is unknown, never fine"),
        pytest.param([issue("known-workaround")], Verdict.CONFIGURE, id="workaround"),
        pytest.param([issue("known-workaround"), issue("disable")], Verdict.DISABLE, id="disable is worse"),
        pytest.param([issue("disable"), issue("replace")], Verdict.REPLACE, id="replace is worse"),
        pytest.param([issue("out-of-scope"), issue("replace")], Verdict.NO_SOLUTION, id="out of scope is the worst"),
        pytest.param([issue("replace", "retired")], Verdict.UNKNOWN, id="retired is a hint only"),
    ],
)
def test_the_worst_current_issue_decides(issues: list[KnownIssue], verdict: Verdict) -> None:
    assert find(None, issues).verdict is verdict


def test_what_an_engineer_said_stands_before_the_catalogue() -> None:
    found = find("works", [issue("replace")])
    assert (found.verdict, found.said, len(found.issues)) == (Verdict.WORKS, True, 1)


def test_every_disposition_of_the_catalogue_has_a_verdict() -> None:
    issues = [each for each in loader.newest().known_issues.issues if each.status == "current"]
    assert Verdict.UNKNOWN not in {find(None, [each]).verdict for each in issues}


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "plain", "", "a=b", "'quoted"])
def test_a_guarded_cell_comes_back_as_it_was(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@"))
    assert unguarded(guarded(text)) == text
