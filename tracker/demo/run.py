"""Serves the demo: a fresh database of its own every time, and with it, where asked for, the channel page."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from tracker import layout
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.demo import cast, story
from tracker.demo.channel import TOKEN, channel_page
from tracker.edge.password import hash_password
from tracker.settings import Settings, read_settings
from tracker.store import schema
from tracker.store.database import db

FOLDER = "demo"
LEFT_BY_LAST_TIME = ("last-run", "tracker.sqlite", "tracker.sqlite-wal", "tracker.sqlite-shm", "tracker.sqlite.turn")


@dataclass(frozen=True)
class Demo:
    """What there is to look at."""

    app: Flask
    address: str
    channel_page: str | None


@contextmanager
def laid(environ: Mapping[str, str], *, slack_port: int | None, say: Callable[[str], object]) -> Iterator[Demo]:
    """Lay the demo under `<instance>/demo/`, where nothing but demos is kept, and connect it to the channel page.

    Raises NoDouble and PortTaken where the channel page was asked for and cannot be had.
    """
    folder = Path(environ.get("TRACKER_INSTANCE") or "instance") / FOLDER
    own = {name: value for name, value in environ.items() if not name.startswith(("DATABASE_URL", "SLACK_"))}
    own["TRACKER_INSTANCE"] = str(folder)
    for name in LEFT_BY_LAST_TIME:
        (folder / name).unlink(missing_ok=True)
    if slack_port is None:
        yield _laid(own, None, say)
        return
    with channel_page(slack_port, story.CHANNELS) as api:
        yield _laid(own | {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": api}, api.removesuffix("api/"), say)


def _laid(environ: Mapping[str, str], channel: str | None, say: Callable[[str], object]) -> Demo:
    settings: Settings = read_settings(environ)
    app = create_app(settings)
    say("Telling the story of three engagements …")
    with app.app_context():
        schema.upgrade(db.engine, layout.folder("migrations"))
        story.tell(utc_now(), hash_password(cast.PASSWORD), settings.base_url)
        db.session.remove()
        db.engine.dispose()
    return Demo(app, settings.base_url, channel)
