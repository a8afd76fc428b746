"""The audit trail: a hash chain for each engagement and one for the installation.

Each entry's hash covers the one before and a salted hash of its payload. Erasing somebody's data removes payload and
salt; the chain still verifies, because it never hashed the payload itself.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.store.database import AnySession, Base, Keyed, insert_or_ignore, table_of
from tracker.store.identity import new_id

INSTALLATION = "installation"
GENESIS = "0" * 64


class AuditChain(Base):
    """The head of one chain: how many entries it has and the hash of the last."""

    chain: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(default=GENESIS)


class AuditEntry(Keyed, Base):
    """One thing somebody did."""

    __table_args__ = (sa.UniqueConstraint("chain", "seq"),)
    chain: Mapped[str] = mapped_column(sa.ForeignKey("audit_chain.chain"))
    seq: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[UUID | None]
    payload: Mapped[dict[str, Any] | None]
    salt: Mapped[str | None]
    payload_hash: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]


@dataclass(frozen=True)
class AuditEvent:
    """One thing that was done, waiting for the end of its unit. No engagement means the installation's own chain."""

    engagement_id: UUID | None
    actor_id: UUID | None
    actor_name: str
    action: str
    subject_type: str
    subject_id: UUID | None
    payload: Mapping[str, Any]


def record(
    session: AnySession,
    actor: Actor,
    engagement_id: UUID | None,
    action: str,
    subject: tuple[str, UUID | None],
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Note what is being done; it is written, hashed, at the end of the unit."""
    trail: list[AuditEvent] = session.info["trail"]
    plain = json.loads(canonical(payload or {}))
    trail.append(AuditEvent(engagement_id, actor.person_id, actor.name, action, *subject, plain))


def canonical(value: object) -> str:
    """One text for one value: keys sorted, no spaces, dates and ids as text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def payload_digest(salt: str, payload: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{salt}{canonical(payload)}".encode()).hexdigest()


def entry_digest(row: Mapping[str, Any]) -> str:
    """The hash of an entry over everything but its payload and salt. Ids and moments are hashed in their text form."""
    covered = {
        name: row[name] for name in ("chain", "seq", "actor_name", "action", "subject_type", "payload_hash", "previous_hash")
    }
    covered["at"] = row["at"].isoformat()
    covered["actor_id"] = str(row["actor_id"])
    covered["subject_id"] = str(row["subject_id"])
    return hashlib.sha256(canonical(covered).encode()).hexdigest()


def write_trail(session: AnySession, now: datetime) -> None:
    """Write a unit's events at the end of their chains, in one order of chains so that two units never wait crosswise."""
    trail: list[AuditEvent] = session.info["trail"]
    by_chain = sorted(trail, key=lambda each: str(each.engagement_id or INSTALLATION))
    for chain, events in groupby(by_chain, key=lambda each: str(each.engagement_id or INSTALLATION)):
        _append(session, chain, events, now)


def engagements_in_trail(session: AnySession) -> list[UUID]:
    """The engagements in which a unit has changed something, in one order."""
    trail: list[AuditEvent] = session.info["trail"]
    return sorted({event.engagement_id for event in trail if event.engagement_id is not None})


_heads = table_of(AuditChain)
_HEAD = sa.select(_heads.c.seq, _heads.c.hash).where(_heads.c.chain == sa.bindparam("of")).with_for_update()
_MOVE_HEAD = (
    sa.update(_heads)
    .where(_heads.c.chain == sa.bindparam("of"))
    .values(seq=sa.bindparam("last", type_=sa.Integer), hash=sa.bindparam("digest"))
)
_WRITE = sa.insert(table_of(AuditEntry))


def _append(session: AnySession, chain: str, events: Iterable[AuditEvent], now: datetime) -> None:
    head = session.execute(_HEAD, {"of": chain}).first()
    if head is None:
        session.execute(insert_or_ignore(session, _heads).values(chain=chain, seq=0, hash=GENESIS))
        head = session.execute(_HEAD, {"of": chain}).one()
    seq, previous = head
    rows = []
    for event in events:
        seq += 1
        salt = secrets.token_hex(16)
        row: dict[str, Any] = {
            "id": new_id(),
            "chain": chain,
            "seq": seq,
            "at": now,
            "actor_id": event.actor_id,
            "actor_name": event.actor_name,
            "action": event.action,
            "subject_type": event.subject_type,
            "subject_id": event.subject_id,
            "payload": dict(event.payload),
            "salt": salt,
            "payload_hash": payload_digest(salt, event.payload),
            "previous_hash": previous,
        }
        row["hash"] = previous = entry_digest(row)
        rows.append(row)
    session.execute(_WRITE, rows)
    session.execute(_MOVE_HEAD, {"of": chain, "last": seq, "digest": previous})


def entries_of(session: AnySession, engagement_id: UUID, *, before: int | None, limit: int) -> list[AuditEntry]:
    """The newest entries of an engagement's chain, below sequence number `before`."""
    query = sa.select(AuditEntry).where(AuditEntry.chain == str(engagement_id))
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    return list(session.scalars(query.order_by(AuditEntry.seq.desc()).limit(limit)))


def of_subject(session: AnySession, engagement_id: UUID, subject_id: UUID) -> list[AuditEntry]:
    """What was done to one thing of an engagement, in order."""
    query = sa.select(AuditEntry).where(AuditEntry.chain == str(engagement_id), AuditEntry.subject_id == subject_id)
    return list(session.scalars(query.order_by(AuditEntry.seq)))


def done_since(session: AnySession, engagement_id: UUID, action: str, since: datetime) -> list[AuditEntry]:
    """What was done of one kind on an engagement from a moment on, in order."""
    query = sa.select(AuditEntry).where(AuditEntry.chain == str(engagement_id), AuditEntry.action == action)
    return list(session.scalars(query.where(AuditEntry.at >= since).order_by(AuditEntry.seq)))


def _heads_of(session: AnySession) -> dict[str, tuple[int, str]]:
    query = sa.select(AuditChain.chain, AuditChain.seq, AuditChain.hash)
    return {row.chain: (row.seq, row.hash) for row in session.execute(query)}


def chain_faults(session: AnySession) -> list[str]:
    """Walk every chain and say what does not fit. Streams; memory does not grow with the trail.

    Others may go on writing meanwhile: a chain must reach the head it had before, and none beyond the head it has after.
    """
    faults: list[str] = []
    heads = _heads_of(session)
    reached: dict[str, tuple[int, str]] = {}
    whole = {chain for chain, head in heads.items() if head == (0, GENESIS)}
    table = table_of(AuditEntry)
    query = sa.select(table).order_by(table.c.chain, table.c.seq).execution_options(yield_per=1000)
    for row in session.execute(query).mappings():
        seq, previous = reached.get(row["chain"], (0, GENESIS))
        where = f"audit chain {row['chain']}, entry {row['seq']}"
        if row["seq"] != seq + 1:
            faults.append(f"{where}: entries are missing before it")
        if row["previous_hash"] != previous or row["hash"] != entry_digest(dict(row)):
            faults.append(f"{where}: its hash does not fit")
        if row["payload"] is not None and row["payload_hash"] != payload_digest(row["salt"] or "", row["payload"]):
            faults.append(f"{where}: its payload was changed")
        reached[row["chain"]] = (row["seq"], row["hash"])
        if reached[row["chain"]] == heads.get(row["chain"]):
            whole.add(row["chain"])
    faults += [f"audit chain {chain}: its end is missing" for chain in heads if chain not in whole]
    later = _heads_of(session)
    beyond = [chain for chain, (seq, _hash) in reached.items() if seq > later.get(chain, (0, GENESIS))[0]]
    return faults + [f"audit chain {chain}: it has entries beyond its end" for chain in beyond]
