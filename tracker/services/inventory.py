"""Import what is installed on a site, and say what becomes of each extension. A file is tried before it is imported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracker.catalog import loader
from tracker.domain.access import Actor, Permission
from tracker.domain.catalogue import Catalogue
from tracker.domain.duration import LONGEST_MINUTES
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid
from tracker.domain.inventory import (
    Coverage,
    Difference,
    Finding,
    InventoryRow,
    ItemKind,
    Verdict,
    compare,
    find,
    settle,
    slug_key,
)
from tracker.domain.rejected_row import RejectedRow, harmless
from tracker.domain.text import TextError, read_text
from tracker.intake.inventory.reading import Reading
from tracker.intake.inventory.registry import FORMATS, InventoryFile
from tracker.store import audit, upload
from tracker.store import engagement as engagements
from tracker.store import inventory as inventories
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.inventory import InventoryImport, InventoryItem
from tracker.store.site import Site
from tracker.store.upload import Upload

AGAINST_EDITS = {"key_share": True}
NOTE_LENGTH, FILE_NAME_LENGTH = 1000, 200


@dataclass(frozen=True)
class Trial:
    """What a file does to a site's inventory, done or only tried."""

    source: str
    complete: bool
    difference: Difference
    rejected: tuple[RejectedRow, ...]
    removed_slugs: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        return self.difference.counts()


# --- try and import ---------------------------------------------------------------------------------------------------


def try_file(session: AnySession, actor: Actor, site_id: UUID, file: InventoryFile, *, complete: bool | None = None) -> Trial:
    """Say what a file would change; nothing is kept. `complete` None: as the format usually is.

    Raises NotFound, NotAllowed, Invalid at `source` for a list of another system.
    """
    site = sites.get(session, actor, site_id)
    actor.must(Permission.ANSWER)
    return _tried(session, site, file, complete)


def import_file(
    session: AnySession,
    actor: Actor,
    site_id: UUID,
    file: InventoryFile,
    *,
    now: datetime,
    complete: bool | None = None,
    name: str | None = None,
) -> Trial:
    """Bring a site's inventory in line with a file. Bad rows are left out and told; the same file again changes nothing.

    Raises NotFound, NotAllowed, Invalid at `source`, Guard for a site that has left the engagement.
    """
    site = sites.get(session, actor, site_id)
    actor.must(Permission.ANSWER)
    session.refresh(site, with_for_update=AGAINST_EDITS)
    if site.stage == "withdrawn":
        raise Guard("This site has left the engagement, so its inventory is closed.", rule="order")
    known = inventories.by_key(session, site.id)
    trial = _tried(session, site, file, complete, known)
    last = inventories.last_import(session, site.id)
    if trial.difference.is_nothing and last is not None and (last.digest, last.complete) == (file.digest, trial.complete):
        return trial
    _apply(session, site, trial, known, now)
    made = InventoryImport(
        engagement_id=site.engagement_id,
        site_id=site.id,
        source=file.source,
        file_name=harmless(name, FILE_NAME_LENGTH) if name else None,
        digest=file.digest,
        complete=trial.complete,
        accepted=trial.counts,
        rejected=[each.told() for each in trial.rejected],
        imported_by=actor.person_id,
        imported_at=now,
    )
    session.add(made)
    session.flush()
    said = trial.counts | {"source": file.source, "rejected": len(trial.rejected), "complete": trial.complete}
    audit.record(session, actor, site.engagement_id, "inventory.imported", ("site", site.id), said)
    return trial


def _tried(
    session: AnySession,
    site: Site,
    file: InventoryFile,
    complete: bool | None,
    known: dict[tuple[str, str], InventoryItem] | None = None,
) -> Trial:
    if file.format.cms not in (None, site.cms):
        raise Invalid.at("source", f"This is a list of {_say(file.format.cms)}, and the site runs {_say(site.cms)}.")
    known = inventories.by_key(session, site.id) if known is None else known
    whole = file.format.complete if complete is None else complete
    rows, repeated = settle(file.reading.rows, site.cms)
    rejected = sorted((*file.reading.rejected, *repeated), key=lambda each: each.row)
    items = {key: item.known for key, item in known.items()}
    difference = compare(items, rows, rejected, _covered(file, rows) if whole else None)
    return Trial(file.source, whole, difference, tuple(rejected), tuple(known[key].slug for key in difference.removed))


def _covered(file: InventoryFile, rows: Sequence[InventoryRow]) -> Coverage:
    """A table that is complete is so for the kinds that it names: a list of plugins says nothing of themes."""
    covers = file.reading.covers
    named = frozenset(row.kind for row in rows if row.kind is not None)
    return Coverage(covers.kinds & named, covers.without) if len(covers.kinds) > 1 else covers


def _say(cms: str | None) -> str:
    return {"wordpress": "WordPress", "drupal": "Drupal"}[cms or ""]


def _apply(session: AnySession, site: Site, trial: Trial, known: dict[tuple[str, str], InventoryItem], now: datetime) -> None:
    for row, change in trial.difference.accepted:
        if change == "unchanged":
            continue
        item = known.get(row.key())
        if item is None:
            item = InventoryItem(
                engagement_id=site.engagement_id,
                site_id=site.id,
                kind=row.kind,
                slug_key=slug_key(row.slug),
                first_seen_at=now,
                verdict_note="",
            )
            session.add(item)
        else:
            item.version += 1
        item.slug, item.name, item.installed_version, item.status = row.slug, row.name, row.version, row.status
        item.source, item.changed_at, item.removed_at = trial.source, now, None
    for key in trial.difference.removed:
        item = known[key]
        item.removed_at = item.changed_at = now
        item.version += 1
    session.flush()


# --- a file between its preview and its import ------------------------------------------------------------------------


def keep_file(
    session: AnySession, actor: Actor, site_id: UUID, file: InventoryFile, *, now: datetime, name: str | None = None
) -> Upload:
    """Keep what was read of a file for its preview. Raises NotFound, NotAllowed, Invalid at `source` as `try_file` does."""
    site = sites.get(session, actor, site_id)
    try_file(session, actor, site_id, file)
    reading = file.reading
    kept = Upload(
        engagement_id=site.engagement_id,
        site_id=site.id,
        purpose=upload.INVENTORY,
        file_name=harmless(name, FILE_NAME_LENGTH) if name else None,
        content={
            "source": file.source,
            "digest": file.digest,
            "rows": [row.plain() for row in reading.rows],
            "rejected": [each.plain() for each in reading.rejected],
            "covers": {"kinds": sorted(reading.covers.kinds), "without": sorted(reading.covers.without)},
        },
        sent_by=actor.person_id,
        sent_at=now,
        expires_at=now + upload.KEPT,
    )
    session.add(kept)
    session.flush()
    return kept


def kept_file(kept: Upload) -> InventoryFile:
    """The file again, as it was read."""
    content = kept.content
    rows = tuple(InventoryRow.read(each) for each in content["rows"])
    covers = Coverage(frozenset(map(ItemKind, content["covers"]["kinds"])), frozenset(content["covers"]["without"]))
    reading = Reading(rows, tuple(RejectedRow.read(each) for each in content["rejected"]), covers)
    return InventoryFile(content["source"], content["digest"], reading)


# --- findings ---------------------------------------------------------------------------------------------------------


def catalogue_of(session: AnySession, engagement_id: UUID) -> Catalogue:
    """The catalogue that an engagement was agreed on; without an agreement the newest."""
    agreement = engagements.agreement_of(session, engagement_id)
    return loader.catalogue(agreement.catalogue_version) if agreement is not None else loader.newest()


def findings_of(session: AnySession, site: Site, items: Sequence[InventoryItem]) -> list[tuple[InventoryItem, Finding]]:
    """Each item of a site with the verdict on it. One statement."""
    catalogue = catalogue_of(session, site.engagement_id)
    return [(item, finding_of(catalogue, site.cms, item)) for item in items]


def finding_of(catalogue: Catalogue, cms: str, item: InventoryItem) -> Finding:
    """The verdict on one item. The system itself has no entry of its own."""
    return find(item.verdict, () if item.kind == ItemKind.CORE else catalogue.issues_of(cms, item.slug))


def counts_of_sites(session: AnySession, engagement_id: UUID) -> dict[UUID, tuple[int, int]]:
    """For each site with an inventory: how many items there are, and how many are unknown. Two statements."""
    catalogue = catalogue_of(session, engagement_id)
    listed = {cms: catalogue.known_slugs(cms) for cms in ("wordpress", "drupal")}
    return inventories.counts_of_sites(session, engagement_id, listed)


@dataclass(frozen=True)
class VerdictChange:
    """What an engineer says of an item; only what is `named` changes. A verdict of None leaves it to the catalogue again."""

    named: frozenset[str]
    verdict: str | None = None
    note: str | None = None
    estimate_minutes: int | None = None
    version: int | None = None


def say_verdict(session: AnySession, actor: Actor, item_id: UUID, change: VerdictChange, *, now: datetime) -> InventoryItem:
    """Set the verdict on an item, or its estimate. `works` needs a note that says why.

    Raises NotFound, NotAllowed, EditedMeanwhile, Invalid at `verdict`, `note` and `estimate_minutes`.
    """
    item = inventories.get(session, actor, item_id)
    actor.must(Permission.WORK_ON_SITES)
    session.refresh(item, with_for_update=AGAINST_EDITS)
    if change.version is not None and change.version != item.version:
        raise EditedMeanwhile
    verdict, note, estimate = _read_change(item, change)
    if (verdict, note, estimate) == (item.verdict, item.verdict_note, item.estimate_minutes):
        return item
    if (verdict, note) != (item.verdict, item.verdict_note):
        item.verdict, item.verdict_note = verdict, note
        item.verdict_by, item.verdict_at = (actor.person_id, now) if verdict is not None else (None, None)
    if estimate != item.estimate_minutes:
        item.estimate_minutes, item.estimate_by = estimate, actor.person_id if estimate is not None else None
    item.version += 1
    session.flush()
    said = {"slug": item.slug, "verdict": verdict, "note": note, "estimate_minutes": estimate}
    audit.record(session, actor, item.engagement_id, "inventory.verdict", ("inventory_item", item.id), said)
    return item


def _read_change(item: InventoryItem, change: VerdictChange) -> tuple[str | None, str, int | None]:
    verdict = change.verdict if "verdict" in change.named else item.verdict
    estimate = change.estimate_minutes if "estimate_minutes" in change.named else item.estimate_minutes
    note = item.verdict_note
    if "note" in change.named:
        try:
            note = read_text(change.note or "", NOTE_LENGTH)
        except TextError as error:
            raise Invalid.at("note", error.message) from None
    if verdict is not None and verdict not in set(Verdict):
        raise Invalid.at("verdict", f"Choose one of: {', '.join(Verdict)}; or none, to leave it to the catalogue.")
    if verdict == Verdict.WORKS and not note:
        raise Invalid.at("note", "Say how you know that it works; the customer reads it.")
    if estimate is not None and not 0 <= estimate <= LONGEST_MINUTES:
        raise Invalid.at("estimate_minutes", f"Write whole minutes, from 0 to {LONGEST_MINUTES:,}.")
    return verdict, note, estimate


def labels() -> dict[str, str]:
    """The formats that are there, with their names."""
    return {name: each.label for name, each in FORMATS.items()}
