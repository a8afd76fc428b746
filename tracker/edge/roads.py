"""By which roads this installation sends: Slack with a token, mail with a server."""

from flask import current_app

from tracker.store import setting
from tracker.store.database import db


def roads_connected() -> frozenset[str]:
    """The roads by which notices go out, as `notice.road` names them."""
    slack = current_app.extensions["sender"] is not None
    return frozenset(road for road, open_ in (("slack", slack), ("mail", setting.mail_goes_out(db.session))) if open_)
