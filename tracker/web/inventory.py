"""The inventory of a site: what is installed, what becomes of it, and the files that say so."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import Form as PlainForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import BudgetKind
from tracker.domain.duration import say_minutes
from tracker.domain.errors import Invalid
from tracker.domain.inventory import Change, Finding, InventoryRow, Verdict, slug_key
from tracker.domain.known_issue import KnownIssue
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.intake.inventory.registry import FORMATS, read_inventory
from tracker.services import inventory as service
from tracker.services.inventory import Trial, VerdictChange
from tracker.store import budget as budgets
from tracker.store import inventory as inventories
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import upload as uploads
from tracker.store.database import db
from tracker.store.inventory import InventoryImport, InventoryItem
from tracker.store.site import Site
from tracker.store.upload import Upload
from tracker.web import present, section
from tracker.web import site as site_pages
from tracker.web.filters import say_moment
from tracker.web.form import DurationField, Form, blank_to_none, save
from tracker.web.present import Shown, choices, count_of
from tracker.web.upload import UploadForm, rejected_file, rejected_rows

bp = Blueprint("inventory", __name__)
PAGE_SIZE, IMPORTS_SHOWN = 100, 5

VERDICT_LABELS: Mapping[str, str] = {
    Verdict.NO_SOLUTION: "Cannot run on the platform",
    Verdict.REPLACE: "To be replaced",
    Verdict.DISABLE: "To be switched off",
    Verdict.CONFIGURE: "Needs configuration",
    Verdict.UNKNOWN: "Not known yet",
    Verdict.WORKS: "Works",
}
VERDICT_TONES: Mapping[str, str] = {
    Verdict.NO_SOLUTION: "red",
    Verdict.REPLACE: "red",
    Verdict.DISABLE: "amber",
    Verdict.CONFIGURE: "amber",
    Verdict.UNKNOWN: "grey",
    Verdict.WORKS: "green",
}
STATUS_LABELS = {
    "active": "Active",
    "inactive": "Inactive",
    "network_active": "Active in the network",
    "must_use": "Must-use",
    "dropin": "Drop-in",
}
SEVERITY_LABELS = {"blocks": "blocks the move", "needs-workaround": "needs a workaround", "note": "good to know"}
CHANGE_TONES = {Change.ADDED: "green", Change.UPDATED: "blue", Change.UNCHANGED: "grey"}
ANSWERS = {"yes": True, "no": False}
WORST_FIRST = list(VERDICT_LABELS)


class InventoryForm(UploadForm):
    """A list of extensions."""

    source = SelectField("What it is", choices=choices(service.labels(), "Recognise it"), validate_choice=False)


class ImportForm(Form):
    complete = HiddenField()

    def asked(self) -> bool | None:
        """Whether somebody said that the list is complete, or that it is not."""
        return ANSWERS.get(self.complete.data or "")


class VerdictForm(Form):
    """What becomes of one extension."""

    verdict = SelectField("What becomes of it", choices=choices(VERDICT_LABELS, "As the catalogue says"), validate_choice=False)
    note = TextAreaField("Note", [Optional(), Length(max=service.NOTE_LENGTH)])
    estimate_minutes = DurationField("Estimate", [Optional()])

    def change(self) -> VerdictChange:
        """The verdict as it was entered."""
        return VerdictChange(
            named=frozenset({"verdict", "note", "estimate_minutes"}),
            verdict=blank_to_none(self.verdict.data),
            note=self.note.data,
            estimate_minutes=self.estimate_minutes.minutes,
            version=self.edited_version(),
        )


class FilterForm(PlainForm):
    """Looking for something in a long list."""

    q = StringField("Search")
    status = SelectField("Status", choices=choices(STATUS_LABELS, "Any"), validate_choice=False)
    sort = SelectField("Sorted by", choices={"": "Name", "verdict": "What becomes of it"}, validate_choice=False)


# --- the inventory ----------------------------------------------------------------------------------------------------


@bp.get("/sites/<uuid:site_id>/inventory")
@allow(Permission.SEE_ENGAGEMENTS)
def show(site_id: UUID) -> ResponseReturnValue:
    """What is installed, and what becomes of it."""
    return page_of(site_id, InventoryForm())


@bp.post("/sites/<uuid:site_id>/inventory")
@allow(Permission.ANSWER)
def send(site_id: UUID) -> ResponseReturnValue:
    """Take a file for its preview. It is read before the unit of work begins."""
    actor, form = current_actor(), InventoryForm()
    try:
        form.must_hold_something()
        file = read_inventory(form.data_sent(), blank_to_none(form.source.data))
    except Invalid as error:
        form.validate()
        form.take(error)
        return page_of(site_id, form)
    kept = save(
        form,
        lambda: service.keep_file(db.session, actor, site_id, file, now=utc_now(), name=form.name_sent),
        lambda upload: url_for("inventory.preview", upload_id=upload.id),
    )
    return page_of(site_id, form) if kept is None else kept


def page_of(site_id: UUID, form: InventoryForm) -> ResponseReturnValue:
    """The page, also with what was refused on it. A fixed number of statements."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    every = service.findings_of(db.session, site, inventories.of_site(db.session, site_id))
    there = [(item, finding) for item, finding in every if item.removed_at is None]
    asked = FilterForm(request.args)
    chosen = chosen_of(there, asked)
    page = max(1, request.args.get("page", 1, int))
    shown = chosen[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    imports = inventories.imports(db.session, site_id, limit=IMPORTS_SHOWN)
    text = render_template(
        "inventory/inventory.html",
        nav_current="portfolio",
        section_rows=section.of_site(actor, site_id, "inventory"),
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        form=form,
        send_url=url_for("inventory.send", site_id=site_id),
        asked=asked,
        verdict=request.args.get("verdict", ""),
        filters=filters_of(there),
        rows=[item_row(item, finding, actor) for item, finding in shown],
        removed=[item_row(item, finding, actor) for item, finding in every if item.removed_at is not None],
        total=len(there),
        newer=page_url(page - 1) if page > 1 else None,
        older=page_url(page + 1) if len(chosen) > page * PAGE_SIZE else None,
        imports=import_rows(imports, actor),
        hours=hours_of(site, there) if actor.may(Permission.SEE_INTERNAL) else None,
    )
    return text, form.status


def chosen_of(found: Sequence[tuple[InventoryItem, Finding]], asked: FilterForm) -> list[tuple[InventoryItem, Finding]]:
    """What the filters leave, in the order that was asked for."""
    words, verdict = slug_key((asked.q.data or "").strip()), request.args.get("verdict", "")
    left = [
        (item, finding)
        for item, finding in found
        if (not words or words in slug_key(f"{item.name} {item.slug}"))
        and asked.status.data in (None, "", item.status)
        and verdict in ("", finding.verdict)
    ]
    return sorted(left, key=lambda each: WORST_FIRST.index(each[1].verdict)) if asked.sort.data == "verdict" else left


def filters_of(found: Sequence[tuple[InventoryItem, Finding]]) -> list[Shown]:
    """Everything, and each verdict that there is."""
    counts, current = Counter(str(finding.verdict) for _, finding in found), request.args.get("verdict", "")
    every = [("", "All", len(found))]
    every += [(verdict, label, counts[verdict]) for verdict, label in VERDICT_LABELS.items() if counts[verdict]]
    return [
        Shown(label=label, count=count, url=here(verdict=verdict, page=""), is_current=verdict == current)
        for verdict, label, count in every
    ]


def here(**changed: str) -> str:
    """This list with something else asked of it."""
    asked = {name: request.args.get(name, "") for name in ("q", "status", "sort", "verdict")} | changed
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{request.path}?{query}" if query else request.path


def page_url(page: int) -> str:
    return here(page=str(page))


def item_row(item: InventoryItem, finding: Finding, actor: Actor) -> Shown:
    """One extension with what is known of it. Estimates are remarks on the budget: the customer gets none."""
    moment = item.removed_at or item.changed_at
    return Shown(
        name=item.name,
        slug=item.slug,
        kind=item.kind,
        version=item.installed_version,
        status=STATUS_LABELS.get(item.status or "", "Not said"),
        when=say_moment(moment, actor.time_zone),
        verdict=VERDICT_LABELS[finding.verdict],
        tone=VERDICT_TONES[finding.verdict],
        said=finding.said,
        note=item.verdict_note,
        issues=[issue_row(each) for each in finding.issues],
        hints=[issue_row(each) for each in finding.hints],
        estimate=say_minutes(item.estimate_minutes)
        if item.estimate_minutes is not None and actor.may(Permission.SEE_INTERNAL)
        else None,
        verdict_url=url_for("inventory.say", inventory_item_id=item.id) if actor.may(Permission.WORK_ON_SITES) else None,
    )


def issue_row(issue: KnownIssue) -> Shown:
    """One known issue in words."""
    return Shown(
        summary=issue.summary,
        severity=SEVERITY_LABELS[issue.severity],
        as_of=issue.as_of,
        unsure=issue.slug_confidence == "low",
    )


def import_rows(imports: Iterable[InventoryImport], actor: Actor) -> list[Shown]:
    """Where the inventory came from."""
    every = list(imports)
    names = people.people_named(db.session, {each.imported_by for each in every if each.imported_by})
    return [
        Shown(
            when=say_moment(each.imported_at, actor.time_zone),
            who=names.get(each.imported_by, "somebody") if each.imported_by else "A command on the server",
            what=each.file_name or "Pasted or sent by a program",
            format=FORMATS[each.source].label if each.source in FORMATS else each.source,
            counts=say_counts(each.accepted),
            rejected=count_of(len(each.rejected), "row rejected", "rows rejected") if each.rejected else None,
        )
        for each in every
    ]


def say_counts(counts: dict[str, Any]) -> str:
    """What an import did, in words."""
    said = [f"{counts.get(change, 0)} {change}" for change in Change if counts.get(change)]
    return ", ".join(said) or "nothing"


def hours_of(site: Site, found: Iterable[tuple[InventoryItem, Finding]]) -> Shown | None:
    """What engineers estimate, against the hours that the site has for known incompatibilities."""
    budget = budgets.of_site(db.session, site.engagement_id, site.id).get(BudgetKind.ALLOWANCE)
    if budget is None:
        return None
    every = [item.estimate_minutes for item, _ in found]
    estimated = sum(minutes for minutes in every if minutes is not None)
    return Shown(
        estimated=say_minutes(estimated),
        left=say_minutes(budget.balance.left),
        limit=say_minutes(budget.balance.limit),
        open=sum(1 for minutes in every if minutes is None),
        over=estimated > budget.balance.left,
    )


# --- a file and its preview -------------------------------------------------------------------------------------------


@bp.route("/uploads/<uuid:upload_id>/inventory", methods=["GET", "POST"])
@allow(Permission.ANSWER)
def preview(upload_id: UUID) -> ResponseReturnValue:
    """What a file would change; then import it."""
    actor = current_actor()
    kept, site_id = kept_of(actor, upload_id)
    form = ImportForm(data={"complete": request.args.get("complete", "")})
    file, name, now = service.kept_file(kept), kept.file_name, utc_now()
    imported = save(
        form,
        lambda: service.import_file(db.session, actor, site_id, file, now=now, complete=form.asked(), name=name),
        lambda _: url_for("inventory.show", site_id=site_id),
    )
    if imported is not None:
        flash("The inventory is imported. What it says of each extension stands below.", "success")
        return imported
    trial = service.try_file(db.session, actor, site_id, file, complete=form.asked())
    return preview_page(kept, site_id, trial, form), form.status


def kept_of(actor: Actor, upload_id: UUID) -> tuple[Upload, UUID]:
    """A file and its site. Raises NotFound."""
    kept = uploads.get(db.session, actor, upload_id, uploads.INVENTORY)
    assert kept.site_id is not None
    return kept, kept.site_id


def preview_page(kept: Upload, site_id: UUID, trial: Trial, form: ImportForm) -> str:
    """Every row with what becomes of it."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    accepted = trial.difference.accepted
    return render_template(
        "inventory/preview.html",
        nav_current="portfolio",
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        form=form,
        file_name=kept.file_name or "What you pasted",
        format=FORMATS[trial.source].label,
        counts=say_counts(trial.counts),
        accepted=[row_shown(row, change) for row, change in accepted if change is not Change.UNCHANGED],
        unchanged=[row_shown(row, change) for row, change in accepted if change is Change.UNCHANGED],
        accepted_count=len(accepted),
        rejected=rejected_rows(trial.rejected),
        removed=trial.removed_slugs,
        complete=trial.complete,
        is_nothing=trial.difference.is_nothing,
        complete_url=url_for("inventory.preview", upload_id=kept.id, complete="no" if trial.complete else "yes"),
        rejected_url=url_for("inventory.rejected", upload_id=kept.id),
        back_url=url_for("inventory.show", site_id=site_id),
    )


def row_shown(row: InventoryRow, change: Change) -> Shown:
    """One good row of a file."""
    facts = {"row": row.row, "name": row.name, "slug": row.slug, "version": row.version}
    return Shown(**facts, change=change.capitalize(), tone=CHANGE_TONES[change])


@bp.get("/uploads/<uuid:upload_id>/inventory/rejected.csv")
@allow(Permission.ANSWER)
def rejected(upload_id: UUID) -> Response:
    """The rows that cannot be used, with the reason for each."""
    actor = current_actor()
    kept, site_id = kept_of(actor, upload_id)
    return rejected_file(service.try_file(db.session, actor, site_id, service.kept_file(kept)).rejected)


# --- a verdict --------------------------------------------------------------------------------------------------------


@bp.route("/inventory-items/<uuid:inventory_item_id>/verdict", methods=["GET", "POST"])
@allow(Permission.WORK_ON_SITES)
def say(inventory_item_id: UUID) -> ResponseReturnValue:
    """Say what becomes of an extension."""
    actor = current_actor()
    item = inventories.get(db.session, actor, inventory_item_id)
    form = VerdictForm(data=shown_values(item) | {"version": item.version})
    said = save(
        form,
        lambda: service.say_verdict(db.session, actor, inventory_item_id, form.change(), now=utc_now()),
        lambda each: url_for("inventory.show", site_id=each.site_id),
    )
    if said is not None:
        flash("Noted.", "success")
        return said
    return verdict_page(form, inventory_item_id), form.status


def verdict_page(form: VerdictForm, item_id: UUID) -> str:
    """The form; after a stale edit with the version and the values that stand there now."""
    actor = current_actor()
    item = inventories.get(db.session, actor, item_id)
    site, engagement = sites.get_with_engagement(db.session, actor, item.site_id)
    if form.status == 409:
        form.version.data = str(item.version)
        present.show_current(form, shown_values(item))
    return render_template(
        "inventory/verdict.html",
        nav_current="portfolio",
        form=form,
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        item=item_row(*service.findings_of(db.session, site, [item])[0], actor),
        back_url=url_for("inventory.show", site_id=site.id),
    )


def shown_values(item: InventoryItem) -> dict[str, Any]:
    """What the form shows of an item."""
    estimate = say_minutes(item.estimate_minutes) if item.estimate_minutes is not None else ""
    return {"verdict": item.verdict or "", "note": item.verdict_note, "estimate_minutes": estimate}
