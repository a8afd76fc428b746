"""A notice as Slack reads it: whatever it says, it pings nobody and stays within the limits."""

import re
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slack_double.limits import check_content
from tracker.domain.notice import Marks
from tracker.domain.notice_kind import NOTICE_KINDS
from tracker.slack.blocks import FALLBACK_LENGTH, MAX_FACTS, fit, parts_of, render
from tracker.store.notice import OutboxNotice

NOTICE = UUID("01a00000-0000-7000-8000-000000000001")
# Well below what Slack takes: 50 blocks, and about 13,200 characters.
MOST_BLOCKS, MOST_TEXT = 40, 8000
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
        "kind": "access.0d",
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
    kind=st.sampled_from(list(NOTICE_KINDS)),
    done_by=st.none() | LINES,
)
def test_whatever_is_said_pings_nobody_and_fits(
    headline: str,
    text: str,
    facts: list[tuple[str, str]],
    repeats: int,
    mention: str | None,
    kind: str,
    done_by: str | None,
) -> None:
    values = {"headline": headline, "text": text, "facts": [list(fact) for fact in facts]}
    said = notice(**values, repeats=repeats, mention=mention, kind=kind)
    body = render(said, base_url=BASE, marks=Marks(acknowledged=done_by, done=done_by), edition=7)
    blocks = list(body["blocks"])
    check_content(body["text"], blocks, None, attachments=False)
    assert len(body["text"]) <= FALLBACK_LENGTH
    assert len(blocks) <= MOST_BLOCKS
    assert sum(map(len, texts_in(blocks))) <= MOST_TEXT
    assert blocks[0]["block_id"] == f"tracker:{NOTICE}:v7"
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
    *others, button = actions["elements"]
    assert (button["url"], button["value"]) == ("https://tracker.example.com/sites/1", str(NOTICE))
    assert [(other["action_id"], other.get("value")) for other in others] == [
        ("tracker.done", str(NOTICE)), ("tracker.ack", str(NOTICE)), ("tracker.snooze", None),
    ]  # fmt: skip
    assert [option["value"] for option in others[-1]["options"]] == [f"{when}:{NOTICE}" for when in ("1h", "tomorrow", "monday")]


def test_an_edit_says_what_was_done_and_offers_it_no_more() -> None:
    def left(marks: Marks) -> tuple[str, list[str]]:
        *_sections, line, actions = render(notice(), base_url=BASE, marks=marks)["blocks"]
        return line["elements"][0]["text"], [each["action_id"] for each in actions["elements"]]

    seen = "Acknowledged by Ann, Mon 2 Mar 2026, 10:03 (Europe/Berlin)"
    assert left(Marks(acknowledged=seen)) == (seen, ["tracker.done", "tracker.snooze", "tracker.open"])
    assert left(Marks(done="Done by Ann")) == ("Done by Ann", ["tracker.open"])


def test_only_what_its_readers_can_finish_is_offered_to_be_marked_done() -> None:
    def offered(kind: str, audience: str) -> bool:
        elements = render(notice(kind=kind, audience=audience), base_url=BASE)["blocks"][-1]["elements"]
        return "tracker.done" in [each["action_id"] for each in elements]

    assert offered("kickoff.1d", "internal")
    assert not offered("kickoff.1d", "customer"), "the kick-off is the team's"
    assert offered("access.0d", "customer")
    assert not offered("code_freeze.0d", "internal"), "a freeze ends when the site launches"
    assert offered("access.8d", "customer"), "a rung of an engagement's own ladder is a reminder too"


def test_the_title_of_a_list_stands_out() -> None:
    body = render(notice(text="What waits on you\n• a signature\n\nNothing else"), base_url=BASE)
    assert body["blocks"][0]["text"]["text"].endswith("\n*What waits on you*\n• a signature\n\nNothing else")


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
