"""Looks at a few channels at a time, so that what Slack does not tell by itself is noticed within the hour."""

from collections.abc import Callable
from datetime import timedelta

from tracker.clock import utc_now
from tracker.domain.channel import ChannelSeen, Fault
from tracker.edge.work import work
from tracker.jobs.step import beat
from tracker.services import channel_care
from tracker.store.database import db

CHANNELS = "channels"
# A pass ends after so long: it is one of several jobs of a process, and its next beat goes on where this one ended.
PASS = timedelta(seconds=20)
# These are not about one channel: the next would be answered no better.
OF_ALL = ("unreachable", "ratelimited")
Look = Callable[[str], ChannelSeen | Fault]


def check_channels(look: Look) -> int:
    """Look at the channels whose turn it is, and keep what is seen; tell how many. Where Slack is away the pass ends."""
    began = utc_now()
    ids = channel_care.due(db.session, now=began)
    db.session.close()
    done = 0
    for channel in ids:
        if utc_now() - began > PASS:
            break
        seen = look(channel)
        if isinstance(seen, Fault) and seen.code in OF_ALL:
            break
        with work():
            if isinstance(seen, Fault):
                channel_care.pass_over(db.session, channel, now=utc_now())
            else:
                channel_care.take_in(db.session, seen, now=utc_now())
        done += 1
    return done


def check_and_beat(look: Look | None) -> None:
    """The job; without Slack there is nothing to look at."""
    if look is not None:
        check_channels(look)
    beat(CHANNELS)
