"""Links, attendees and excerpts as people type them."""

import pytest

from tracker.domain.comment import excerpt
from tracker.domain.errors import Invalid
from tracker.domain.kickoff import MOST_ATTENDEES, Attendee, checked, read_attendees
from tracker.domain.link import read_url


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.example.com/agreement",
        "http://localhost:8080/x?y=1#z",
        " https://docs.example.com/ ",
        "https://bücher.example/übersicht",
    ],
)
def test_a_web_address_is_kept_as_typed(url: str) -> None:
    assert read_url(url) == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "docs.example.com",
        "javascript:alert(1)",
        "JaVaScRiPt://example.com/%0aalert(1)",
        "data:text/html,x",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "//example.com/x",
        "https://",
        "https:///path",
        "https://ann@example.com/",
        "https://ann:pa55word@example.com/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/a b",
        "https:\\\\example.com",
        "https://example.com/\u202egpj.exe",
        "https://example.com/" + "a" * 2000,
        "https://example.com/?token=trk_" + "aB3dE6gH9" * 4,
        "\ud800",
    ],
)
def test_what_is_no_web_address_is_refused_at_its_field(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_url(url)
    assert refused.value.errors[0].field == "url"


def test_each_line_is_one_person() -> None:
    typed = "Priya Nair, customer, head of digital, and editor\n\n  Jonas Weber ,TEAM\n"
    assert read_attendees(typed) == [
        Attendee("Priya Nair", "customer", "head of digital, and editor"),
        Attendee("Jonas Weber", "team"),
    ]
    assert [each.line for each in read_attendees(typed)] == [
        "Priya Nair, customer, head of digital, and editor",
        "Jonas Weber, team",
    ]


def test_every_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        read_attendees("Priya Nair\nJonas Weber, team\n, customer\nAnn, friend")
    assert [error.message.split(":")[0] for error in refused.value.errors] == ["Line 1", "Line 3", "Line 4"]
    assert {error.field for error in refused.value.errors} == {"attendees"}


@pytest.mark.parametrize(
    "people",
    [
        [Attendee("", "team")],
        [Attendee("Ann, Dr", "team")],
        [Attendee("Ann", "friend")],
        [Attendee("Ann", "team")] * (MOST_ATTENDEES + 1),
    ],
)
def test_people_named_by_a_program_are_held_to_the_same(people: list[Attendee]) -> None:
    with pytest.raises(Invalid):
        checked(people)


def test_an_excerpt_ends_between_words() -> None:
    assert excerpt("short") == "short"
    assert excerpt("one two three", 9) == "one two…"
    assert excerpt("one two three", 8) == "one two…"
    assert excerpt("one two three", 7) == "one…"
    assert excerpt("x" * 400) == "x" * 299 + "…"
