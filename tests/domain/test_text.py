"""What becomes of names and notes as people type and paste them."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.domain.text import TextError, clean_line, clean_text, initials

FAMILY = "👩\u200d👩\u200d👧"
DECOMPOSED = "Zoe\u0308"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        pytest.param("Acme", "Acme", id="a plain name"),
        pytest.param("  Acme \t Relaunch\n", "Acme Relaunch", id="gaps become one space"),
        pytest.param("Acme\u00a0\u3000Relaunch", "Acme Relaunch", id="so do spaces of other kinds"),
        pytest.param("Acme\r\nBcc: all", "Acme Bcc: all", id="a line break cannot begin a header"),
        pytest.param(DECOMPOSED, "Zoë", id="accents are composed"),
        pytest.param("\ufeffAc\u200bme\u2060", "Acme", id="what cannot be seen is left out"),
        pytest.param("شركة أكمي", "شركة أكمي", id="right to left"),
        pytest.param("חברת Acme\u200f", "חברת Acme\u200f", id="a mark that only hints at the direction"),
        pytest.param("株式会社アクメ", "株式会社アクメ", id="without spaces"),
        pytest.param(f"{FAMILY} Acme 🏴󠁧󠁢󠁥󠁮󠁧󠁿", f"{FAMILY} Acme 🏴󠁧󠁢󠁥󠁮󠁧󠁿", id="emoji of several characters"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="Persian needs its non-joiner"),
        pytest.param("<!channel> & 'Söhne'; --", "<!channel> & 'Söhne'; --", id="escaping is not done here"),
        pytest.param("", "", id="nothing"),
        pytest.param(" \n ", "", id="only space"),
        pytest.param("\u200d\u200f \u00ad", "", id="nothing to see is nothing"),
    ],
)
def test_a_line_is_tidied(typed: str, kept: str) -> None:
    assert clean_line(typed, 200) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        pytest.param("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour", id="line breaks alike"),
        pytest.param("\n  one  \n\n\ttwo \t\n ", "one\n\n\ttwo", id="ends are trimmed, indents stay"),
        pytest.param("a  b", "a  b", id="space inside a line stays"),
        pytest.param(DECOMPOSED, "Zoë", id="accents are composed"),
        pytest.param("\n\u200b\n", "", id="nothing to see is nothing"),
    ],
)
def test_a_text_keeps_its_lines(typed: str, kept: str) -> None:
    assert clean_text(typed, 200) == kept


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        *[pytest.param(mark, "turns its direction", id=unicodedata.name(mark)) for mark in "\u202a\u202e\u2066\u2069"],
        pytest.param("\0", "control character", id="NUL"),
        pytest.param("\x1b", "control character", id="the escape of a terminal"),
        pytest.param("\x0b", "control character", id="a vertical tab"),
        pytest.param("\x7f", "control character", id="delete"),
        pytest.param("\x9b", "control character", id="a control of the upper half"),
        pytest.param("\ud83d", "broken character", id="half an emoji"),
        pytest.param("\udfff", "broken character", id="the other half"),
    ],
)
def test_what_misleads_is_refused_in_words(mark: str, message: str) -> None:
    for clean in (clean_line, clean_text):
        with pytest.raises(TextError) as refused:
            clean(f"invoice{mark}fdp", 200)
        assert message in refused.value.message


def test_what_is_too_long_says_by_how_much() -> None:
    with pytest.raises(TextError) as refused:
        clean_line("x" * 10_000, 200)
    assert refused.value.message == "Write at most 200 characters; this has 10,000."


def test_the_length_is_that_of_what_is_kept() -> None:
    assert clean_line(f"  {DECOMPOSED}  {DECOMPOSED}  ", 7) == "Zoë Zoë"
    with pytest.raises(TextError, match="at most 6 characters; this has 7"):
        clean_line(f"{DECOMPOSED} {DECOMPOSED}", 6)


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        ("Ann", "A"),
        ("Ann Example", "AE"),
        ("ann van der berg", "AB"),
        ("  Ann   Example ", "AE"),
        ("Ann-Marie O'Neil", "AO"),
        ("(Ann) “Example”", "AE"),
        ("Ann -", "A"),
        ("élodie Øster", "ÉØ"),
        ("q\u0323\u0307 x", "Q\u0323\u0307X"),
        ("ßeta", "ß"),
        ("山田太郎", "山"),
        ("أحمد علي", "أع"),
        (f"{FAMILY} Family", f"{FAMILY}F"),
        ("👍🏽 Up", "👍🏽U"),
        ("🇩🇪🇫🇷 Team", "🇩🇪T"),
        ("❤️ 1", "❤️1"),
        ("", "?"),
        ("- .", "?"),
    ],
)
def test_initials_are_whole_signs(name: str, signs: str) -> None:
    assert initials(name) == signs


typed_texts = st.text(alphabet="aZ é\u0308\u200d\u200b\u202e\t\n\r\u2028\u00a0👩ع\u200f\0\u1100\u1161", max_size=12)


@given(typed_texts)
@settings(derandomize=True, max_examples=150, deadline=None)
def test_what_was_kept_once_is_kept_as_it_is(typed: str) -> None:
    for clean in (clean_line, clean_text):
        try:
            kept = clean(typed, 12)
        except TextError as refused:
            assert refused.message  # noqa: PT017 - either outcome is right
        else:
            assert clean(kept, 12) == kept
            assert initials(kept)
