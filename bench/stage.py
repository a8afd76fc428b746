"""The stage: one engine's databases with their servers running, and who reads them in a browser."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import sqlalchemy as sa

from bench import databases, requests, servers
from bench.databases import Pair
from bench.load import ask
from tracker.clock import utc_now
from tracker.domain.access import Role
from tracker.domain.portfolio import Order, Place
from tracker.store.database import db
from tracker.store.engagement import Engagement, visible
from tracker.store.person import actor_of_session
from tracker.web.portfolio import PAGE_SIZE

MOST_PAGES = 500  # different engagements whose pages are asked for


@dataclass(frozen=True)
class Reader:
    """Somebody who is signed in: their cookie, and the engagements they see in the order of their portfolio."""

    cookie: str
    places: Sequence[tuple[date | None, UUID]]

    def engagement_pages(self) -> list[bytes]:
        """The pages of their engagements, evenly taken."""
        step = max(1, len(self.places) // MOST_PAGES)
        return [requests.get(f"/engagements/{key}", self.cookie) for _day, key in self.places[::step]]

    def portfolio(self, where: str) -> bytes:
        """The first, middle or last page of their portfolio, by the cursor that the page before it would name."""
        starts = {"middle": len(self.places) // 2, "last": len(self.places) - PAGE_SIZE}
        start = starts.get(where, 0)
        return requests.get(self.page_after(start - 1) if start > 0 else "/", self.cookie)

    def page_after(self, place: int) -> str:
        """The address of the page that follows an engagement."""
        day, key = self.places[place]
        return f"/?after={quote(Place(Order.NEXT, day, key).cursor())}"


@dataclass(frozen=True)
class Act:
    """One size of one engine on stage: the databases, the ports of both servers, the readers by role."""

    pair: Pair
    ours: int
    yardstick: int
    readers: dict[Role, Reader]


@contextmanager
def staged(engine: str, sizes: Sequence[int], folder: Path) -> Iterator[list[Act]]:
    """Everything of one engine, in the order of the sizes."""
    with ExitStack() as stack:
        acts = []
        for pair in stack.enter_context(databases.pairs(engine, sizes, folder)):
            ours = stack.enter_context(servers.tracker_server(pair.settings))
            yardstick = stack.enter_context(servers.yardstick_server(pair.yardstick, folder))
            acts.append(Act(pair, ours.port, yardstick.port, readers_of(pair)))
            check_pager(acts[-1])
        yield acts


def readers_of(pair: Pair) -> dict[Role, Reader]:
    """Whoever has a browser open, and what they see by the program's own rule."""
    app = pair.app()
    with app.app_context():
        found = {}
        for role, secret in pair.world.sessions.items():
            who = actor_of_session(db.session, secret, utc_now())
            assert who is not None
            query = sa.select(Engagement.next_on, Engagement.id).where(visible(who[0]))
            rows = db.session.execute(query.order_by(Engagement.next_on, Engagement.id))
            found[role] = Reader(requests.cookie_of(app, secret), [(row[0], row[1]) for row in rows])
        db.session.remove()
        db.engine.dispose()
    return found


def check_pager(act: Act) -> None:
    """Raises RuntimeError where the portfolio's own link to its second page is not the one that would be measured."""
    reader = act.readers[Role.ADMIN]
    if len(reader.places) <= PAGE_SIZE:
        return
    _status, page = ask(act.ours, requests.get("/", reader.cookie))
    if second_page(page) != reader.page_after(PAGE_SIZE - 1):
        raise RuntimeError(f"the portfolio pages otherwise than expected: {second_page(page)}")


def second_page(page: str) -> str | None:
    """Where the portfolio's first page says that the next one is."""
    link = re.search(r'href="(/\?after=[^"#]+)', page)
    return link[1] if link else None
