"""One site: its page, its form, and the steps of its migration."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import DRAWS_ON
from tracker.domain.errors import TrackerError, UnlistedSite
from tracker.domain.lifecycle import open_steps
from tracker.domain.listing import AGREED_FIELDS
from tracker.domain.site import LAUNCHED_STAGES, SITE_LIFECYCLE, WORKABLE
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import path as path_service
from tracker.services import site as service
from tracker.services.site import SiteChange
from tracker.store import budget as budgets
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.web import dates, present, section, steps
from tracker.web.dates import DateView
from tracker.web.form import Form, blank_to_none, save
from tracker.web.present import Shown, choices
from tracker.web.steps import PathView
from tracker.web.time_entry import ACTIVITY_LABELS

bp = Blueprint("site", __name__)
RECENT_ENTRIES = 25
YES_NO = {"": None, "yes": True, "no": False}


class SiteForm(Form):
    """A site as it is listed; what the agreed requirements fix is left out once they are agreed."""

    name = StringField("Name", [InputRequired("Name the site.")])
    url = StringField("Address", [InputRequired("Write the site's address.")])
    cms = SelectField("System", choices=choices(present.CMS_LABELS))
    cms_version = StringField("Version", [Optional()])
    cms_variant = SelectField("Variant", [Optional()], choices=choices(present.VARIANT_LABELS, "None"))
    network = SelectField(
        "Network", [Optional()], choices={"": "Not known yet", "no": "A single site", "yes": "Part of a network"}
    )
    multisite_decision = SelectField("What becomes of a network", [Optional()], choices=choices(present.MULTISITE_LABELS, "Open"))
    plan = SelectField("Plan", [Optional()], choices=choices(present.PLAN_LABELS, "Not known yet"))
    package = SelectField("Package", choices=choices(present.PACKAGE_LABELS))
    premium_option = SelectField("Premium extra", [Optional()], choices=choices(present.PREMIUM_LABELS, "None"))
    upstream_choice = SelectField("Code base", [Optional()], choices=choices(present.UPSTREAM_LABELS, "Not known yet"))

    unlisted = False

    def take(self, error: TrackerError) -> None:
        """A site beyond the agreed list may still be asked for."""
        super().take(error)
        self.unlisted = isinstance(error, UnlistedSite)

    def leave_out(self, names: tuple[str, ...]) -> None:
        """Ask for less."""
        for name in names:
            del self[name]

    def said(self) -> dict[str, Any]:
        """What was typed, an empty field as nothing."""
        said: dict[str, Any] = {name: blank_to_none(self[name].data) for name in FIELDS if name in self}
        if "network" in said:
            said["network"] = YES_NO[said["network"] or ""]
        return said


FIELDS = (
    "name", "url", "cms", "cms_version", "cms_variant", "network", "multisite_decision", "plan", "package",
    "premium_option", "upstream_choice",
)  # fmt: skip


class StepForm(Form):
    to = HiddenField()


@bp.route("/engagements/<uuid:engagement_id>/sites/new", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def new(engagement_id: UUID) -> ResponseReturnValue:
    """List a site."""
    actor, form = current_actor(), SiteForm()
    added = save(
        form,
        lambda: service.add_site(db.session, actor, engagement_id, SiteChange(form.said()), now=utc_now()),
        lambda _: url_for("engagement.show", engagement_id=engagement_id, _anchor="sites"),
    )
    if added is not None:
        flash("The site is listed.", "success")
        return added
    head = head_of(engagements.get(db.session, actor, engagement_id))
    page = render_template(
        "site/new.html",
        nav_current="portfolio",
        form=form,
        engagement=head,
        import_url=url_for("site_list.new", engagement_id=engagement_id),
        back_url=head.url,
    )
    return page, form.status


def head_of(engagement: Engagement) -> Shown:
    """The engagement as a site's pages name it."""
    return present.engagement_head(engagement, engagements.customer(db.session, engagement.customer_id).name, "")


@bp.get("/sites/<uuid:site_id>")
@allow(Permission.SEE_ENGAGEMENTS)
def show(site_id: UUID) -> ResponseReturnValue:
    """Everything about one site."""
    return page_of(site_id)


@bp.route("/sites/<uuid:site_id>/edit", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def edit(site_id: UUID) -> ResponseReturnValue:
    """Change a site."""
    actor = current_actor()
    site = sites.get(db.session, actor, site_id)
    form = SiteForm(data=shown_values(site) | {"version": site.version})
    if site.listed_in_version is not None:
        form.leave_out(AGREED_FIELDS)
    saved = save(
        form,
        lambda: service.edit_site(db.session, actor, site_id, SiteChange(form.said(), form.edited_version()), now=utc_now()),
        lambda _: url_for("site.show", site_id=site_id),
    )
    if saved is not None:
        flash("The changes are saved.", "success")
        return saved
    return edit_page(form, site_id), form.status


def edit_page(form: SiteForm, site_id: UUID) -> str:
    """The form; after a stale edit with the version and the values that stand there now."""
    site, engagement = sites.get_with_engagement(db.session, current_actor(), site_id)
    if form.status == 409:
        form.version.data = str(site.version)
        present.show_current(form, shown_values(site))
    return render_template(
        "site/edit.html",
        nav_current="portfolio",
        form=form,
        site=present.site_head(site),
        engagement=head_of(engagement),
        back_url=url_for("site.show", site_id=site_id),
        change_url=url_for("change_request.new", engagement_id=engagement.id, kind="edit_site", site=site_id),
    )


def shown_values(site: Site) -> dict[str, Any]:
    """What the form shows of a site."""
    shown = {name: getattr(site, name) for name in FIELDS}
    return shown | {"network": {None: "", True: "yes", False: "no"}[site.network]}


@bp.post("/sites/<uuid:site_id>/transitions")
@allow(Permission.EDIT_ENGAGEMENT)
def move(site_id: UUID) -> ResponseReturnValue:
    """Take one step of the migration."""
    form, actor = StepForm(), current_actor()
    moved = save(
        form,
        lambda: service.move_site(db.session, actor, site_id, form.to.data or "", now=utc_now()),
        lambda _: url_for("site.show", site_id=site_id),
    )
    if moved is not None:
        flash(f"Now: {present.stage_label(form.to.data or '')}.", "success")
        return moved
    return page_of(site_id, refused=form)


def page_of(site_id: UUID, *, refused: Form | None = None) -> ResponseReturnValue:
    """The site's page, also with what was refused on it. A fixed number of statements."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    facts, waits = service.site_facts(db.session, site, engagement), service.waits_of(db.session, site, engagement)
    page = render_template(
        "site/site.html",
        nav_current="portfolio",
        section_rows=section.of_site(actor, site_id, "overview"),
        refused=refused,
        site=present.site_head(site),
        engagement=head_of(engagement),
        way=way_of(site, engagement, actor),
        transitions=transitions_of(site, facts, waits),
        deadlines=dates_of(site, engagement, actor),
        facts=present.site_facts(site, actor),
        urls=urls_of(site, actor),
        **hours_of(site, actor),
    )
    return page, refused.status if refused is not None else 200


def way_of(site: Site, engagement: Engagement, actor: Actor) -> Shown | None:
    """The paths under way of a self-service site: they stand for the stages of a managed one."""
    if engagement.type != "self_service":
        return None
    walks = path_service.walks_of(db.session, site, engagement)
    view = PathView(site, engagement, actor, people.people_named(db.session, steps.people_in(walks)))
    cards = [steps.path_card(walk, view) for walk in walks if walk.path.state in ("active", "complete")]
    return Shown(url=f"/sites/{site.id}/path", paths=cards, may_choose=steps.may_choose(actor, engagement))


def transitions_of(site: Site, facts: set[str], waits: dict[str, str]) -> list[Shown]:
    """The steps that lead on, with what each waits for and what should come first."""
    before = service.open_before(db.session, site)
    return [
        present.transition_row(step, missing, before.get(step.to, []))
        for step, missing in open_steps(SITE_LIFECYCLE, site.stage, facts, waits)
    ]


def urls_of(site: Site, actor: Actor) -> dict[str, str | None]:
    """What may be done from the page; an address that is missing hides its button."""
    may_edit = actor.may(Permission.EDIT_ENGAGEMENT)
    may_log = actor.may(Permission.LOG_TIME) and site.listed_in_version is not None and site.stage in WORKABLE
    return {
        "edit": f"/sites/{site.id}/edit" if may_edit else None,
        "transition": f"/sites/{site.id}/transitions" if may_edit else None,
        "set_date": f"/engagements/{site.engagement_id}/deadlines/new?site={site.id}" if may_edit else None,
        "log_time": f"/time?site={site.id}" if may_log else None,
        "start_timer": "/timer/start" if may_log else None,
    }


def dates_of(site: Site, engagement: Engagement, actor: Actor) -> list[Shown]:
    """The dates of the site itself."""
    dated = deadlines.of_site(db.session, site.id)
    over = {site.id} if site.stage == "withdrawn" else set()
    names = people.people_named(db.session, dates.people_in(dated))
    waived = duties.waived_dates(db.session, engagement.id)
    launched = {site.id} if site.stage in LAUNCHED_STAGES else set()
    view = DateView(engagement, actor, utc_now(), over=over, launched=launched, waived=waived, people=names, on_site=True)
    return [dates.deadline_row(deadline, view) for deadline in dated]


def hours_of(site: Site, actor: Actor) -> dict[str, Any]:
    """What may pay for work here, and what was logged last."""
    kept = budgets.of_site(db.session, site.engagement_id, site.id)
    logged = entries.recent(
        db.session, actor, site.engagement_id, site_id=site.id, states=present.entry_states(actor), limit=RECENT_ENTRIES
    )
    return {
        "work_kinds": [(kind.value, kind.label) for kind, payer in DRAWS_ON.items() if payer is None or payer in kept],
        "activities": ACTIVITY_LABELS,
        "budgets": [present.budget_row(budget) for budget in kept.values()],
        "entries": [present.entry_row(entry, person, name, actor) for entry, person, name in logged],
    }
