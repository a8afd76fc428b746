"""Identifiers: UUIDv7, so that the newest rows lie together and a key gives nothing away but its age.

The clock is read here and in tracker/clock.py only; here it orders ids and decides nothing.
"""

import os
import threading
import time
from datetime import datetime
from uuid import UUID

_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562), strictly increasing within a process: 48 bits of milliseconds, 12 of their fraction."""
    global _last
    with _lock:
        stamp = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
        _last = stamp
    random = int.from_bytes(os.urandom(8), "big") & (1 << 62) - 1
    return UUID(int=(stamp >> 12 & (1 << 48) - 1) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random)


def first_id_at(moment: datetime) -> UUID:
    """The least id that could have been made at a moment: what was made later has a greater one."""
    return UUID(int=(int(moment.timestamp() * 1000) & (1 << 48) - 1) << 80 | 7 << 76 | 0b10 << 62)
