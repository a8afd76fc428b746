"""A notice as Slack reads it: whatever it says, it pings nobody and stays within the limits."""

import re
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slack_double.limits import check_content
from tracker.slack.blocks import FALLBACK_LENGTH, MAX_FACTS, fit, parts_of, render
from tracker.store.notice import OutboxNotice

NOTICE = UUID("01a00000-0000-7000-8000-000000000001")
BASE = "https://tracker.example.com"
SIGNS = st.sampled_from(
    ["<!channel>", "<!here>", "<@U1>", "<#C1>", "<https://evil.example|Acme>", "&lt;", "&", "<", ">", "*", "\n", "…"]
)
WORDS = st.one_of(SIGNS, st.text(max_size=20), st.sampled_from(["\u202eback", "👩‍🚀", "@channel", "ß"]))
TEXTS = st.builds(
    lambda words, times: "".join(words) * times, st.lists(WORDS, max_size=20), st.sampled_from([1, 1, 10, 1000])
).map(lambda text: text[:20_000])
LINES = TEXTS.map(lambda text: text or "x")
UNESCAPED = re.compile(r"<|>|&(?!(amp|lt|gt);)")


def notice(**over: Any) -> OutboxNotice:
    values: dict[str, Any] = {
        "id": NOTICE,
        "kind": "uat.0d",
        "audience": "customer",
        "headline": "Shop: the UAT sign-off is due today",
        "text": "",
        "facts": [],
        "path": "/sites/1",
        "mention": None,
        "repeats": 0,
    }
    return OutboxNotice(**(values | over))


def texts_in(part: Any) -> list[str]:
    if isinstance(part, list):
        return [text for item in part for text in texts_in(item)]
    if isinstance(part, dict):
        return [
            text
            for name, item in part.items()
            for text in ([item] if name == "text" and isinstance(item, str) else texts_in(item))
        ]
    return []


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    headline=LINES,
    text=TEXTS,
    facts=st.lists(st.tuples(LINES, TEXTS), max_size=14),
    repeats=st.integers(0, 2),
    mention=st.sampled_from([None, "U0ANN"]),
)
def test_whatever_is_said_pings_nobody_and_fits(
    headline: str, text: str, facts: list[tuple[str, str]], repeats: int, mention: str | None
) -> None:
    said = notice(headline=headline, text=text, facts=[list(fact) for fact in facts], repeats=repeats, mention=mention)
    body = render(said, base_url=BASE)
    blocks = list(body["blocks"])
    check_content(body["text"], blocks, None, attachments=False)
    assert len(body["text"]) <= FALLBACK_LENGTH
    for part in [body["text"], *texts_in(blocks)]:
        assert not UNESCAPED.search(part.removeprefix("<@U0ANN> ")), part


@settings(max_examples=200, derandomize=True, deadline=None)
@given(text=TEXTS, longest=st.integers(2, 40))
def test_a_cut_leaves_no_half_of_a_sign(text: str, longest: int) -> None:
    cut = fit(text, longest)
    assert len(cut) <= longest
    assert not UNESCAPED.search(cut)


def test_a_body_says_what_who_and_where() -> None:
    said = notice(text="Customer: test the site.", facts=[["When", "Mon 2 Mar 2026"]], mention="U0ANN")
    section, actions = render(said, base_url=BASE)["blocks"]
    assert section == {
        "type": "section",
        "block_id": f"tracker:{NOTICE}:v1",
        "text": {
            "type": "mrkdwn",
            "text": "<@U0ANN> *Shop: the UAT sign-off is due today*\nCustomer: test the site.",
            "verbatim": True,
        },
        "fields": [{"type": "mrkdwn", "text": "*When*\nMon 2 Mar 2026", "verbatim": True}],
    }
    (button,) = actions["elements"]
    assert (button["url"], button["value"]) == ("https://tracker.example.com/sites/1", str(NOTICE))


def test_the_fallback_says_the_same_in_one_line() -> None:
    body = render(notice(facts=[["When", "Mon 2 Mar 2026"]]), base_url=BASE)
    assert body["text"] == "Shop: the UAT sign-off is due today · When: Mon 2 Mar 2026"


def test_a_repeat_is_marked() -> None:
    assert "may be a repeat" in str(render(notice(repeats=1), base_url=BASE)["blocks"])


def test_more_facts_than_slack_takes_are_left_out() -> None:
    section = render(notice(facts=[[f"fact {number}", "x"] for number in range(12)]), base_url=BASE)["blocks"][0]
    assert len(section["fields"]) == MAX_FACTS


def test_a_long_text_goes_on_in_sections_of_its_own_and_loses_nothing() -> None:
    lines = [f"• site {number}: 1 h 30 of work & a note" for number in range(150)]
    body = render(notice(text="\n".join(lines)), base_url=BASE)
    *sections, actions = body["blocks"]
    check_content(body["text"], list(body["blocks"]), None, attachments=False)
    assert len(sections) > 2
    assert actions["type"] == "actions"
    assert sections[0]["block_id"].startswith(f"tracker:{NOTICE}")
    said = "\n".join(section["text"]["text"] for section in sections).split("\n")[1:]
    assert [line.replace("&amp;", "&") for line in said] == lines


def test_what_no_message_holds_is_cut_and_says_so() -> None:
    body = render(notice(text="word & " * 4000, facts=[[f"fact {number}", "x" * 700] for number in range(10)]), base_url=BASE)
    check_content(body["text"], list(body["blocks"]), None, attachments=False)
    assert body["blocks"][-2]["text"]["text"].endswith("…")


@settings(max_examples=200, derandomize=True, deadline=None)
@given(text=TEXTS)
def test_no_part_of_a_text_begins_or_ends_within_a_sign(text: str) -> None:
    parts = parts_of(text, 20, 200)
    assert sum(map(len, parts)) <= 200
    for part in parts:
        assert not UNESCAPED.search(part)
