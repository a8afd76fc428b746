"""Days off out of a calendar file: all-day events only, those that repeat within bounds, and no file that stops us."""

from datetime import date, datetime, time
from time import process_time

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

from tracker.domain.errors import UnreadableFile
from tracker.intake.calendar_file import read_days_off

TODAY = date(2026, 3, 2)


def ics(*events: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n{body}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def test_all_day_events_become_days_off_also_those_that_repeat() -> None:
    found = read_days_off(
        ics(
            "UID:1\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Winter\\, closed",
            "UID:2\nDTSTART;VALUE=DATE:20200601\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20270601\nSUMMARY:Founders",
            "UID:2\nRECURRENCE-ID;VALUE=DATE:20260601\nDTSTART;VALUE=DATE:20260602\nSUMMARY:Founders moved",
            "UID:3\nDTSTART:20260505T090000Z\nSUMMARY:A meeting",
            "UID:4\nDTSTART;VALUE=DATE:20260506\nSTATUS:CANCELLED\nSUMMARY:Not any more",
        ),
        today=TODAY,
    )
    assert found.days == {
        date(2025, 6, 1): "Founders",
        date(2026, 6, 2): "Founders moved",
        date(2026, 12, 24): "Winter, closed",
        date(2026, 12, 25): "Winter, closed",
        date(2026, 12, 26): "Winter, closed",
        date(2028, 6, 1): "Founders",
        date(2029, 6, 1): "Founders",
    }
    assert found.passed_over == 2


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="a picture"),
        pytest.param(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", id="cut off"),
        pytest.param(b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", id="crossed"),
        pytest.param(ics("UID:1\nDTSTART;VALUE=DATE:20260230"), id="no such day"),
        pytest.param(ics("UID:1\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=SECONDLY"), id="every second"),
        pytest.param(ics("UID:1\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=NEVER;BYDAY=XX"), id="no rule"),
        pytest.param(ics("UID:1\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY"), id="every day"),
        pytest.param(ics(*["UID:1\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=YEARLY"] * 101), id="all repeat"),
        pytest.param(ics("UID:1\nDTSTART;VALUE=DATE:20260101\nSUMMARY:" + "x" * 300_000), id="too large"),
        pytest.param(ics("UID:1\nDTSTART;VALUE=DATE:19991231\nSUMMARY:Long over"), id="long over"),
    ],
)
def test_a_file_that_holds_no_days_off_is_refused_at_the_field(data: bytes) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_days_off(data, today=TODAY)
    assert refused.value.errors[0].field == "file"


def test_rules_that_never_come_true_are_given_up_in_time() -> None:
    never = [
        "UID:1\nDTSTART;VALUE=DATE:19700101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "UID:1\nDTSTART;VALUE=DATE:19700101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=5",
        "UID:1\nDTSTART;VALUE=DATE:19700101\nRRULE:FREQ=DAILY;INTERVAL=0",
        "UID:1\nDTSTART;VALUE=DATE:19700101\nRRULE:FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30;COUNT=999999999",
    ]
    began = process_time()
    with pytest.raises(UnreadableFile):
        read_days_off(ics(*never * 25), today=TODAY)
    assert process_time() - began < 10


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY",
        "FREQ=YEARLY;INTERVAL=2;COUNT=2",
        "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
        "FREQ=YEARLY;BYDAY=-1FR",
        "FREQ=YEARLY;BYMONTH=5,6;BYMONTHDAY=-1",
        "FREQ=MONTHLY;INTERVAL=3",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU;UNTIL=20260901",
        "FREQ=WEEKLY;COUNT=70",
        "FREQ=DAILY;INTERVAL=9;BYMONTH=7",
    ],
)
@pytest.mark.parametrize("start", [date(2024, 2, 29), date(2025, 12, 31)])
def test_what_repeats_falls_on_the_days_that_another_reader_of_the_standard_finds(rule: str, start: date) -> None:
    first, last = (datetime.combine(day, time()) for day in (date(2025, 3, 1), date(2029, 12, 31)))
    times = rrulestr(rule, dtstart=datetime.combine(start, time())).between(first, last, inc=True)
    event = f"UID:1\nDTSTART;VALUE=DATE:{start:%Y%m%d}\nRRULE:{rule}\nSUMMARY:Off"
    assert list(read_days_off(ics(event), today=TODAY).days) == [each.date() for each in times]
