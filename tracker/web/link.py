"""Links of an engagement: see them, add one, remove one."""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.link import KIND_LABELS, TITLE_LENGTH, URL_LENGTH, LinkKind
from tracker.domain.notice import Audience
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import link as service
from tracker.services.link import LinkSpec
from tracker.store import engagement as engagements
from tracker.store import link as links
from tracker.store import site as sites
from tracker.store.database import db
from tracker.web import section
from tracker.web import site as site_pages
from tracker.web.engagement import Button
from tracker.web.form import Form, save
from tracker.web.present import choices
from tracker.web.talk import link_row

bp = Blueprint("link", __name__)
READERS = {Audience.CUSTOMER: "The customer and the team", Audience.INTERNAL: "The team only"}


class LinkForm(Form):
    """A new link. Only the team is asked who sees it."""

    title = StringField("Title", [InputRequired("Say what stands behind the link."), Length(max=TITLE_LENGTH)])
    url = StringField("Address", [InputRequired("Write the address."), Length(max=URL_LENGTH)])
    kind = SelectField("What it is", choices={kind.value: label for kind, label in KIND_LABELS.items()})
    site_id = SelectField("About", [Optional()])
    audience = RadioField(
        "Who sees it",
        [InputRequired("Choose who sees it.")],
        choices=[SelectChoice(value, label) for value, label in READERS.items()],
    )

    def offer(self, actor: Actor, site_names: Mapping[UUID, str]) -> None:
        """The sites it may be about, and for the team who may see it."""
        self.site_id.choices = choices({str(site): name for site, name in site_names.items()}, "The whole engagement")
        if not actor.may(Permission.SEE_INTERNAL):
            del self.audience

    def spec(self) -> LinkSpec:
        """What was typed."""
        return LinkSpec(
            kind=LinkKind(self.kind.data),
            title=self.title.data or "",
            url=self.url.data or "",
            audience=Audience(self.audience.data) if "audience" in self else Audience.CUSTOMER,
            site_id=UUID(self.site_id.data) if self.site_id.data else None,
        )


@bp.route("/engagements/<uuid:engagement_id>/links", methods=["GET"])
@allow(Permission.SEE_ENGAGEMENTS)
def index(engagement_id: UUID) -> ResponseReturnValue:
    """The links, and a form to add one."""
    return _page(engagement_id, LinkForm(formdata=None))


@bp.post("/engagements/<uuid:engagement_id>/links")
@allow(Permission.ANSWER)
def add(engagement_id: UUID) -> ResponseReturnValue:
    """Add a link."""
    actor, form = current_actor(), LinkForm()
    form.offer(actor, sites.names_in(db.session, engagement_id))
    added = save(
        form,
        lambda: service.add_link(db.session, actor, engagement_id, form.spec(), now=utc_now()),
        lambda _: url_for("link.index", engagement_id=engagement_id),
    )
    if added is not None:
        flash("The link is added.", "success")
        return added
    return _page(engagement_id, form)


@bp.post("/links/<uuid:link_id>/remove")
@allow(Permission.ANSWER)
def remove(link_id: UUID) -> ResponseReturnValue:
    """Take a link off."""
    actor, form = current_actor(), Button()
    engagement_id = links.get(db.session, actor, link_id).engagement_id
    removed = save(
        form,
        lambda: service.remove_link(db.session, actor, link_id, version=form.edited_version(), now=utc_now()),
        lambda _: url_for("link.index", engagement_id=engagement_id),
    )
    if removed is not None:
        flash("The link is removed. What it led to is where it was.", "success")
        return removed
    return _page(engagement_id, LinkForm(formdata=None), refused=form)


def _page(engagement_id: UUID, form: LinkForm, *, refused: Form | None = None) -> ResponseReturnValue:
    """The list, also with what was refused on it."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    names = sites.names_in(db.session, engagement_id)
    if not form.site_id.choices:
        form.offer(actor, names)
    page = render_template(
        "link/links.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "kickoff"),
        engagement=site_pages.head_of(engagement),
        form=form,
        refused=refused,
        links=[link_row(link, names, actor) for link in links.of_engagement(db.session, actor, engagement_id)],
    )
    return page, (refused or form).status
