"""The scope of a site and of an engagement, the page of one item, and items of one's own."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.scope import DECISION_LABELS, OWN_CATEGORY, WORK_LABELS, WORKED_ON
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import scope as service
from tracker.services.scope import ItemChange, OwnItem
from tracker.services.scoping import catalogue_of
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import scope as scopes
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.web import decisions, present, section
from tracker.web import site as site_pages
from tracker.web.decisions import DUE_LABELS, ScopeView
from tracker.web.form import Form, blank_to_none, save
from tracker.web.present import Shown, choices

bp = Blueprint("scope", __name__)
PROPOSABLE = {name: label for name, label in DECISION_LABELS.items() if name != "undecided"}


class ItemForm(Form):
    """The work on an item; managers also decide it, engineers propose how to."""

    decision = SelectField("Decision", choices=choices(DECISION_LABELS))
    reason = TextAreaField("Why", [Optional(), Length(max=2000)])
    clause = StringField("Clause", [Optional(), Length(max=500)])
    proposed_decision = SelectField("I would decide", [Optional()], choices=choices(PROPOSABLE, "Nothing else"))
    proposed_reason = TextAreaField("Why I would", [Optional(), Length(max=2000)])
    work_state = SelectField("How far is it?", choices=choices(WORK_LABELS))
    work_reason = TextAreaField("Why it is left out", [Optional(), Length(max=2000)])
    evidence = TextAreaField("What shows that it is done", [Optional(), Length(max=2000)])

    def fit(self, actor: Actor) -> None:
        """Ask everybody what is theirs to say."""
        not_theirs = ("proposed_decision", "proposed_reason")
        if not actor.may(Permission.EDIT_ENGAGEMENT):
            not_theirs = ("decision", "reason", "clause")  # type: ignore[assignment]
        for name in not_theirs:
            del self[name]

    def change(self) -> ItemChange:
        """What was typed; a reason or a clause that was left empty stays as it is."""
        said: dict[str, Any] = {name: self[name].data or "" for name in ("work_state", "evidence")}
        said["work_reason"] = blank_to_none(self.work_reason.data)
        if "decision" in self:
            said["decision"] = self.decision.data
            typed = {name: blank_to_none(self[name].data) for name in ("reason", "clause")}
            return ItemChange(said | {name: text for name, text in typed.items() if text}, self.edited_version())
        said["proposed_decision"] = self.proposed_decision.data or None
        return ItemChange(said | {"proposed_reason": blank_to_none(self.proposed_reason.data)}, self.edited_version())


class AnswerForm(Form):
    answer = HiddenField()


class OwnForm(Form):
    """A thing that is not in the catalogue."""

    title = StringField("What is it?", [InputRequired("Name the item."), Length(max=200)])
    site_id = SelectField("Site", [Optional()])
    decision = SelectField("Decision", choices=choices(DECISION_LABELS))
    due_before = SelectField("Done", choices=choices(DUE_LABELS))
    reason = TextAreaField("Why", [InputRequired("Say why; the customer reads it."), Length(max=2000)])
    clause = StringField("Clause", [Optional(), Length(max=500)])

    def offer(self, listed: list[Site]) -> None:
        """The engagement's sites."""
        self.site_id.choices = choices(
            {str(site.id): site.name for site in listed if site.stage != "withdrawn"}, "The whole engagement"
        )

    def own(self) -> OwnItem:
        """The item as it was typed."""
        return OwnItem(
            title=self.title.data or "",
            decision=self.decision.data,
            reason=self.reason.data or "",
            clause=blank_to_none(self.clause.data) or "",
            site_id=UUID(self.site_id.data) if self.site_id.data else None,
            due_before=self.due_before.data,
        )


def view_of(engagement: Engagement, items: list[ScopeItem]) -> ScopeView:
    """What items are shown by, in two statements."""
    names = people.people_named(db.session, decisions.people_in(items))
    return ScopeView(engagement, current_actor(), catalogue_of(db.session, engagement.id), names)


@bp.get("/sites/<uuid:site_id>/scope")
@allow(Permission.SEE_ENGAGEMENTS)
def of_site(site_id: UUID) -> str:
    """What one site gets."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    items = scopes.of_site(db.session, site.id)
    view = view_of(engagement, items)
    may_edit = actor.may(Permission.EDIT_ENGAGEMENT)
    return render_template(
        "scope/site.html",
        nav_current="portfolio",
        section_rows=section.of_site(actor, site_id, "scope"),
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        counts=decisions.count(items),
        groups=decisions.groups_of(items, view),
        upstream=decisions.upstream_card(site, view.catalogue),
        multisite=decisions.multisite_card(site, may_edit=may_edit and engagement.requirements_version == 0),
        facts_url=f"/sites/{site.id}/facts" if actor.may(Permission.ANSWER) else None,
        add_url=f"/engagements/{engagement.id}/scope-items/new?site={site.id}" if may_edit else None,
    )


@bp.get("/engagements/<uuid:engagement_id>/scope")
@allow(Permission.SEE_ENGAGEMENTS)
def of_engagement(engagement_id: UUID) -> str:
    """What belongs to the engagement as a whole, and how much each site gets. A fixed number of statements."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    items = scopes.of_engagement(db.session, engagement_id)
    counts = scopes.counts_of_sites(db.session, engagement_id)
    listed = [site for site in sites.of_engagement(db.session, engagement_id) if site.stage != "withdrawn"]
    return render_template(
        "scope/engagement.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "scope"),
        engagement=site_pages.head_of(engagement),
        groups=decisions.groups_of(items, view_of(engagement, items)),
        sites=[_counted(site, counts.get(site.id, {})) for site in listed],
        add_url=f"/engagements/{engagement_id}/scope-items/new" if actor.may(Permission.EDIT_ENGAGEMENT) else None,
    )


def _counted(site: Site, counts: dict[str, int]) -> Shown:
    head = present.site_head(site)
    return Shown(name=head.name, url=f"/sites/{site.id}/scope", about=head.cms_label, counts=decisions.counts_row(counts))


@bp.get("/scope-items/<uuid:scope_item_id>")
@allow(Permission.SEE_ENGAGEMENTS)
def item(scope_item_id: UUID) -> str:
    """One item."""
    found, _engagement = scopes.get(db.session, current_actor(), scope_item_id)
    return item_page(form_of(found), scope_item_id)


@bp.post("/scope-items/<uuid:scope_item_id>")
@allow(Permission.WORK_ON_SITES)
def change(scope_item_id: UUID) -> ResponseReturnValue:
    """Decide an item, propose how to, and note the work on it."""
    actor = current_actor()
    form = form_of(scopes.get(db.session, actor, scope_item_id)[0])
    saved = save(form, lambda: service.change_item(db.session, actor, scope_item_id, form.change(), now=utc_now()), home_of)
    if saved is not None:
        flash("The item is saved.", "success")
        return saved
    return item_page(form, scope_item_id), form.status


def form_of(found: ScopeItem) -> ItemForm:
    """The form as it begins, with what is whose to say."""
    form = ItemForm(data=shown_values(found) | {"version": found.version})
    form.fit(current_actor())
    return form


def shown_values(found: ScopeItem) -> dict[str, Any]:
    """What the form shows of an item. Its reason stands beside the form, so that a new decision gets a new one."""
    names = ("decision", "clause", "work_state", "work_reason", "evidence", "proposed_decision", "proposed_reason")
    return {name: getattr(found, name) for name in names}


def home_of(found: ScopeItem) -> str:
    """The scope in which an item stands."""
    if found.site_id is None:
        return url_for("scope.of_engagement", engagement_id=found.engagement_id)
    return url_for("scope.of_site", site_id=found.site_id)


def item_page(form: Form, scope_item_id: UUID) -> str:
    """The item with its form; after a stale edit with the version and the values that stand there now."""
    actor = current_actor()
    found, engagement = scopes.get(db.session, actor, scope_item_id)
    if form.status == 409:
        form.version.data = str(found.version)
        present.show_current(form, shown_values(found))
    site = sites.get(db.session, actor, found.site_id) if found.site_id else None
    return render_template(
        "scope/item.html",
        nav_current="portfolio",
        form=form,
        item=decisions.item_row(found, view_of(engagement, [found])),
        engagement=site_pages.head_of(engagement),
        site=present.site_head(site) if site else None,
        back_url=home_of(found),
        may_decide=actor.may(Permission.EDIT_ENGAGEMENT),
        may_hand_back=not found.by_rule and found.category != OWN_CATEGORY and site is not None,
        is_worked_on=found.decision in WORKED_ON,
    )


@bp.post("/scope-items/<uuid:scope_item_id>/proposal")
@allow(Permission.EDIT_ENGAGEMENT)
def answer_proposal(scope_item_id: UUID) -> ResponseReturnValue:
    """Take up what somebody of the team proposes, or decline it."""
    form, actor = AnswerForm(), current_actor()
    found, _engagement = scopes.get(db.session, actor, scope_item_id)
    takes_up = form.answer.data == "take"
    values = {"decision": found.proposed_decision} if takes_up and found.proposed_decision else {"proposed_decision": None}
    change = ItemChange(values, form.edited_version())
    return _done(form, scope_item_id, change, "The proposal is taken up." if takes_up else "The proposal is declined.")


@bp.post("/scope-items/<uuid:scope_item_id>/rules")
@allow(Permission.EDIT_ENGAGEMENT)
def hand_back(scope_item_id: UUID) -> ResponseReturnValue:
    """Let the rules decide again."""
    form = Form()
    return _done(form, scope_item_id, ItemChange({"by_rule": True}, form.edited_version()), "The rules decide this item again.")


def _done(form: Form, scope_item_id: UUID, change: ItemChange, told: str) -> ResponseReturnValue:
    """Carry out what a button asks; refused, the item's page says why."""
    actor = current_actor()
    home = url_for("scope.item", scope_item_id=scope_item_id)
    saved = save(form, lambda: service.change_item(db.session, actor, scope_item_id, change, now=utc_now()), lambda _: home)
    if saved is not None:
        flash(told, "success")
        return saved
    found, _engagement = scopes.get(db.session, actor, scope_item_id)
    whole = ItemForm(formdata=None, data=shown_values(found) | {"version": found.version})
    whole.fit(actor)
    whole.status, whole.form_errors = form.status, list(form.form_errors)
    return item_page(whole, scope_item_id), form.status


@bp.route("/engagements/<uuid:engagement_id>/scope-items/new", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def new(engagement_id: UUID) -> ResponseReturnValue:
    """Add an item that is not in the catalogue."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    form = OwnForm(data={"site_id": request.args.get("site", ""), "decision": "ps"})
    form.offer(sites.of_engagement(db.session, engagement_id))
    added = save(form, lambda: service.add_item(db.session, actor, engagement_id, form.own(), now=utc_now()), home_of)
    if added is not None:
        flash("The item stands in the scope.", "success")
        return added
    head = site_pages.head_of(engagements.get(db.session, actor, engagement_id))
    back = url_for("scope.of_engagement", engagement_id=engagement.id)
    return render_template("scope/new.html", nav_current="portfolio", form=form, engagement=head, back_url=back), form.status
