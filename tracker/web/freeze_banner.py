"""Says on every page of a site whose freeze is on what is frozen, since and until when, and what was answered."""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa
from flask import g, request

from tracker.domain.access import Actor
from tracker.store import freeze as freezes
from tracker.store.database import Base, db, table_of
from tracker.store.freeze import Freeze
from tracker.store.uat import Defect, UatRound
from tracker.web.freeze import freeze_row

# By the name under which an address carries it, what belongs to a site without naming it.
THINGS: Mapping[str, type[Base]] = {"freeze_id": Freeze, "round_id": UatRound, "defect_id": Defect}


# Pages where a site is chosen instead, and the names under which it is sent.
CHOSEN_AT: Mapping[str, tuple[str, ...]] = {
    "time_entry.log": ("site_id", "site"),
    "timer.start": ("site_id",),
}


def look() -> None:
    """Before a page about a site is made, one statement. The gate has let its reader in by now."""
    actor: Actor | None = g.get("actor")
    site = _site_at_hand()
    g.freezes_on = []
    if actor is not None and site is not None:
        g.freezes_on = [freeze_row(row, actor, g.now) for row in freezes.at_thing(db.session, actor, site, g.now)]


def _site_at_hand() -> UUID | sa.ScalarSelect[UUID] | None:
    """The site that an address is about, itself or through a thing of it."""
    named = request.view_args or {}
    if "site_id" in named:
        site_id: UUID = named["site_id"]
        return site_id
    for name, model in THINGS.items():
        if name in named:
            table = table_of(model)
            return sa.select(table.c.site_id).where(table.c.id == named[name]).scalar_subquery()
    return _site_chosen()


def _site_chosen() -> UUID | None:
    for name in CHOSEN_AT.get(request.endpoint or "", ()):
        try:
            return UUID(request.values.get(name, ""))
        except ValueError:
            continue
    return None
