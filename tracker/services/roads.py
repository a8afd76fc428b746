"""Which ways lead out of this installation, as it was started: Slack always, mail where a server is set."""

from datetime import datetime

from tracker.store import deadline as deadlines
from tracker.store import setting
from tracker.store.database import AnySession


def open_roads(session: AnySession, *, mail: bool, now: datetime) -> bool:
    """Say whether mail goes out; true where that has changed. Then every live date is planned anew by the next ticks.

    Without mail nothing of it was ever planned; where it is taken away, what waits for it is called off.
    """
    if setting.mail_goes_out(session) is mail:
        return False
    setting.write(session, setting.ROADS, {"mail": mail})
    deadlines.replan_all(session, now)
    return True
