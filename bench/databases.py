"""The databases of one engine: ours and the yardstick's, of every size, filled once and gone at the end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from flask import Flask

from bench import seed, yardstick_seed
from bench.seed import World
from bench.shape import Shape
from tests.conftest import migrated, settings_for
from tests.postgres import PostgresServer
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.settings import Settings
from tracker.store.database import db

ENGINES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Pair:
    """Two databases with as much in each: ours by its settings, and where the yardstick's is."""

    engine: str
    shape: Shape
    settings: Settings
    world: World
    yardstick: str

    def app(self) -> Flask:
        """Our program on its database, in this process."""
        return create_app(self.settings)


@contextmanager
def pairs(engine: str, sizes: Sequence[int], folder: Path) -> Iterator[list[Pair]]:
    """A filled pair of each size. PostgreSQL keeps every promise, as SQLite does: what is committed is on the disk."""
    if engine == "sqlite":
        yield [sqlite_pair(size, folder) for size in sizes]
        return
    with PostgresServer(durable=True) as server:
        yield [postgres_pair(size, folder, server) for size in sizes]


def sqlite_pair(size: int, folder: Path) -> Pair:
    """Two files, ours in a folder of its own."""
    shape, path = _shape(size), folder / f"yardstick-{size}.sqlite"
    yardstick_seed.seed_sqlite(path, shape)
    settings = _settings(folder / f"sqlite-{size}", None)
    return Pair("sqlite", shape, settings, _fill(settings, shape), str(path))


def postgres_pair(size: int, folder: Path, server: PostgresServer) -> Pair:
    """Two databases on one server."""
    shape, mark = _shape(size), uuid4().hex[:8]
    names = [f"{word}_{size}_{mark}" for word in ("bench", "yardstick")]
    for name in names:
        server.create_database(name)
    ours, yardstick = (server.url(name) for name in names)
    address = yardstick.replace("postgresql+psycopg://", "postgresql://", 1)
    yardstick_seed.seed_postgres(address, shape)
    settings = _settings(folder / f"postgresql-{size}", ours)
    return Pair("postgresql", shape, settings, _fill(settings, shape), address)


def _shape(size: int) -> Shape:
    return Shape(size, utc_now().date())


def _settings(folder: Path, address: str | None) -> Settings:
    folder.mkdir()
    return settings_for(folder, address)


def _fill(settings: Settings, shape: Shape) -> World:
    migrated(settings)
    app = create_app(settings)
    with app.app_context():
        world = seed.fill(db.engine, shape, utc_now())
        db.engine.dispose()
    return world
