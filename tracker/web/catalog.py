"""The catalogue as a handbook: what is sold, what is known to be incompatible, and the guided paths."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tracker.catalog import loader
from tracker.domain.access import Permission
from tracker.domain.catalogue import Catalogue
from tracker.domain.catalogue_search import DISPOSITIONS, ISSUE, PARTS, SEVERITIES, Entry, Wanted, search
from tracker.domain.errors import NotFound
from tracker.domain.fact import FACTS
from tracker.domain.path import slot_of
from tracker.domain.path_step import ACTORS, checks_of, label_of
from tracker.domain.record import Conditions
from tracker.edge.rule import allow
from tracker.web import present
from tracker.web.filters import sentence
from tracker.web.present import Shown

bp = Blueprint("catalog", __name__)
SHOWN = 25
SEVERITY_TONES = {"blocks": "red", "needs-workaround": "amber", "note": "grey"}
ROUTES = {
    "account-rep": "Ask your account representative",
    "ps-hours": "Possible with PS hours",
    "self-service": "You can do it yourself",
    "customer": "Yours to do",
    "none": "There is no way on the platform",
}
FIELD_LABELS = {
    "cms": "System",
    "network": "Network",
    "plan_not": "Plan other than",
    "upstream_choice": "Upstream",
    "cron_need": "Cron",
    "certificate": "Certificate",
}
WORDS: Mapping[Any, str] = {
    True: "yes",
    False: "no",
    **present.CMS_LABELS,
    **{name: label.lower() for name, label in present.PLAN_LABELS.items()},
    "finer_than_hourly_or_network": "more often than hourly, or a network",
    "managed": "managed by the platform",
}


def asked_version() -> Catalogue:
    """The version in the address, the newest without one. Raises NotFound."""
    text = request.args.get("version", "")
    if not text:
        return loader.newest()
    if not text.isascii() or not text.isdecimal() or len(text) > 6 or int(text) not in loader.versions():
        raise NotFound
    return loader.catalogue(int(text))


def head_of(known: Catalogue) -> Shown:
    """What stands on top of each page: which version it is, and how to get to another."""
    newest = loader.versions()[-1]
    suffix = "" if known.version == newest else f"?version={known.version}"
    others = [version for version in loader.versions() if version != known.version]
    return Shown(
        version=known.version,
        as_of=known.offering.as_of,
        is_newest=known.version == newest,
        suffix=suffix,
        url=f"/catalog{suffix}",
        newest_url="/catalog",
        offering_url=f"/catalog/offering{suffix}",
        others=[Shown(version=version, url=f"/catalog?version={version}") for version in others],
    )


@bp.get("/catalog")
@allow(Permission.SEE_CATALOGUE)
def browse() -> ResponseReturnValue:
    """Search and browse all of it."""
    known, args = asked_version(), request.args
    wanted = Wanted(
        args.get("q", "").strip()[:200],
        _one_of(args.get("part"), PARTS),
        _one_of(args.get("cms"), present.CMS_LABELS),
        _one_of(args.get("severity"), SEVERITIES),
        _one_of(args.get("disposition"), DISPOSITIONS),
    )
    found = search(known, wanted)
    page = min(max(1, args.get("page", 1, type=int)), max(1, -(-len(found) // SHOWN)))
    start = (page - 1) * SHOWN
    return render_template(
        "catalog/browse.html",
        nav_current="catalogue",
        catalogue=head_of(known),
        wanted=wanted,
        kept={name: value for name, value in _kept(known, wanted).items() if name != "q"},
        filters=_filters(known, wanted),
        entries=[_row(known, entry) for entry in found[start : start + SHOWN]],
        count=len(found),
        newer=_address(known, wanted, page=page - 1) if page > 1 else None,
        older=_address(known, wanted, page=page + 1) if start + SHOWN < len(found) else None,
        clear_url=_address(known, Wanted()),
    )


def _one_of(text: str | None, known: Mapping[str, str]) -> str | None:
    return text if text in known else None


def _kept(known: Catalogue, wanted: Wanted) -> dict[str, Any]:
    """What an address has to carry on."""
    version = None if known.version == loader.versions()[-1] else known.version
    said = {"version": version, "q": wanted.words, "part": wanted.part, "cms": wanted.cms}
    said |= {"severity": wanted.severity, "disposition": wanted.disposition}
    return {name: value for name, value in said.items() if value}


def _address(known: Catalogue, wanted: Wanted, **over: Any) -> str:
    kept = _kept(known, wanted) | over
    return url_for("catalog.browse", **{name: value for name, value in kept.items() if value is not None})


def _filters(known: Catalogue, wanted: Wanted) -> list[Shown]:
    """The rows of chips: what, which system, and for known issues how grave and what to do."""
    rows = [_chips(known, wanted, "part", "What", PARTS), _chips(known, wanted, "cms", "System", present.CMS_LABELS)]
    if wanted.part == ISSUE:
        rows.append(_chips(known, wanted, "severity", "How grave", SEVERITIES))
        rows.append(_chips(known, wanted, "disposition", "What is done", DISPOSITIONS))
    return rows


def _chips(known: Catalogue, wanted: Wanted, name: str, label: str, values: Mapping[str, str]) -> Shown:
    chosen = getattr(wanted, name)
    # Without known issues their own filters would only hide everything.
    dropped: dict[str, Any] = {"severity": None, "disposition": None} if name == "part" else {}
    links = [Shown(label="All", url=_address(known, wanted, **dropped, **{name: None}), is_chosen=chosen is None)]
    links += [
        Shown(label=words, url=_address(known, wanted, **dropped, **{name: value}), is_chosen=chosen == value)
        for value, words in values.items()
    ]
    return Shown(label=label, links=links)


def _row(known: Catalogue, entry: Entry) -> Shown:
    """One result with the way to its page."""
    suffix = head_of(known).suffix
    urls = {ISSUE: f"/catalog/issues/{entry.id}{suffix}", "path": f"/catalog/paths/{entry.id}{suffix}"}
    return Shown(
        title=entry.title,
        id=entry.id,
        url=urls.get(entry.part) or f"/catalog/offering{suffix}#{entry.id}",
        label=" ".join([*(present.CMS_LABELS[each] for each in entry.cms[:1]), entry.label.lower()])
        if entry.part == ISSUE
        else entry.label,
        text=entry.text,
        severity=SEVERITIES.get(entry.severity or ""),
        tone=SEVERITY_TONES.get(entry.severity or "", "grey"),
        disposition=DISPOSITIONS.get(entry.disposition or ""),
    )


@bp.get("/catalog/offering")
@allow(Permission.SEE_CATALOGUE)
def offering() -> ResponseReturnValue:
    """What is sold, included, excluded and expected, to be read from top to bottom."""
    known = asked_version()
    return render_template(
        "catalog/offering.html",
        nav_current="catalogue",
        catalogue=head_of(known),
        offering=known.offering,
        routes=ROUTES,
        say_source=known.say_source,
        say_conditions=say_conditions,
    )


def say_conditions(conditions: Conditions) -> str:
    """When an entry applies, in words; nothing where it always does."""
    parts = []
    for name, value in conditions.items():
        label = FIELD_LABELS.get(name) or (FACTS[name].label if name in FACTS else label_of(name))
        said = value if isinstance(value, list) else [value]
        parts.append(f"{label}: {' or '.join(_say_value(name, each) for each in said)}")
    return "; ".join(parts)


def _say_value(name: str, value: Any) -> str:
    choices = FACTS[name].choices if name in FACTS else {}
    return choices.get(value) or WORDS.get(value) or str(value).replace("_", " ")


@bp.get("/catalog/issues/<issue_id>")
@allow(Permission.SEE_CATALOGUE)
def issue(issue_id: str) -> ResponseReturnValue:
    """One known issue, and what else is known of the same extension."""
    known = asked_version()
    found = known.issues.get(issue_id)
    if found is None:
        raise NotFound
    beside = [_issue_link(known, each) for each in known.issues_of(found.cms, found.slug) if each.id != found.id]
    return render_template(
        "catalog/issue.html",
        nav_current="catalogue",
        catalogue=head_of(known),
        issue=found,
        cms_label=present.CMS_LABELS[found.cms],
        severity=SEVERITIES[found.severity],
        tone=SEVERITY_TONES[found.severity],
        disposition=DISPOSITIONS[found.disposition],
        source=known.say_source(found.source),
        beside=beside,
    )


def _issue_link(known: Catalogue, found: Any) -> Shown:
    return Shown(url=f"/catalog/issues/{found.id}{head_of(known).suffix}", title=found.name, text=found.summary)


@bp.get("/catalog/paths/<runbook_id>")
@allow(Permission.SEE_CATALOGUE)
def path(runbook_id: str) -> ResponseReturnValue:
    """One guided path with its steps: who acts, what is needed, what is checked, what shows that it is done."""
    known = asked_version()
    found = known.paths.get(runbook_id)
    if found is None:
        raise NotFound
    on_failure = known.paths.get(found.on_failure.route)
    return render_template(
        "catalog/path.html",
        nav_current="catalogue",
        catalogue=head_of(known),
        path=found,
        systems=" and ".join(present.CMS_LABELS[each] for each in found.cms),
        steps=[_step(known, step) for step in found.steps],
        failure_url=f"/catalog/paths/{on_failure.id}{head_of(known).suffix}" if on_failure else None,
        failure=on_failure.title if on_failure else label_of(found.on_failure.route),
        faults=known.runbooks.import_faults if slot_of(found.id) == "move" else (),
    )


def _step(known: Catalogue, step: Any) -> Shown:
    return Shown(
        title=step.title,
        doer="Customer" if step.actor == "customer" else ACTORS[step.actor],
        inputs=[label_of(name) for name in step.inputs] + [f"{label_of(name)} (optional)" for name in step.optional_inputs],
        checks=[check.text for check in checks_of(step, known.runbooks)],
        evidence=sentence(step.evidence),
        source=known.say_source(step.source),
    )
