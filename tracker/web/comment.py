"""The conversation on an engagement: what was said, the newest first, and a form to say something."""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.comment import TEXT_LENGTH
from tracker.domain.notice import Audience
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import comment as service
from tracker.services.comment import CommentSpec
from tracker.store import comment as comments
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import weekly_update as updates
from tracker.store.comment import Comment
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.web import section
from tracker.web import site as site_pages
from tracker.web.engagement import Button
from tracker.web.form import Form, save
from tracker.web.present import choices
from tracker.web.talk import comment_row, update_row

bp = Blueprint("comment", __name__)
COMMENTS_SHOWN = 30
READERS = {Audience.CUSTOMER: "The customer and the team", Audience.INTERNAL: "The team only"}


class CommentForm(Form):
    """Something to say. Only the team is asked who reads it, and has to choose: nothing internal slips out by default."""

    text = TextAreaField("What do you want to say?", [InputRequired("Write something first."), Length(max=TEXT_LENGTH)])
    site_id = SelectField("About", [Optional()])
    audience = RadioField(
        "Who reads it",
        [InputRequired("Choose who reads it.")],
        choices=[SelectChoice(value, label) for value, label in READERS.items()],
    )

    def offer(self, actor: Actor, site_names: Mapping[UUID, str]) -> None:
        """The sites to speak of, and for the team who may read it."""
        self.site_id.choices = choices({str(site): name for site, name in site_names.items()}, "The whole engagement")
        if not actor.may(Permission.SEE_INTERNAL):
            del self.audience

    def spec(self) -> CommentSpec:
        """What was typed."""
        audience = Audience(self.audience.data) if "audience" in self else None
        return CommentSpec(self.text.data or "", audience, UUID(self.site_id.data) if self.site_id.data else None)


@bp.route("/engagements/<uuid:engagement_id>/comments", methods=["GET"])
@allow(Permission.SEE_ENGAGEMENTS)
def show(engagement_id: UUID) -> ResponseReturnValue:
    """The conversation."""
    engagement = engagements.get(db.session, current_actor(), engagement_id)
    asked = request.args.get("site", type=UUID)
    form = CommentForm(formdata=None, data={"site_id": str(asked) if asked else ""})
    return _page(engagement, form)


@bp.post("/engagements/<uuid:engagement_id>/comments")
@allow(Permission.ANSWER)
def say(engagement_id: UUID) -> ResponseReturnValue:
    """Say something."""
    actor, form = current_actor(), CommentForm()
    engagement = engagements.get(db.session, actor, engagement_id)
    form.offer(actor, sites.names_in(db.session, engagement_id))
    said = save(
        form,
        lambda: service.comment(db.session, actor, engagement_id, form.spec(), now=utc_now()),
        lambda made: url_for("comment.show", engagement_id=engagement_id, _anchor=f"comment-{made.id}"),
    )
    if said is not None:
        flash("Said. The channel is told.", "success")
        return said
    return _page(engagements.get(db.session, actor, engagement.id), form)


@bp.post("/comments/<uuid:comment_id>/withdraw")
@allow(Permission.ANSWER)
def withdraw(comment_id: UUID) -> ResponseReturnValue:
    """Take back one's own words."""
    actor, form = current_actor(), Button()
    engagement_id = comments.get(db.session, actor, comment_id).engagement_id
    withdrawn = save(
        form,
        lambda: service.withdraw(db.session, actor, comment_id, now=utc_now()),
        lambda _: url_for("comment.show", engagement_id=engagement_id),
    )
    if withdrawn is not None:
        flash("Withdrawn. Nobody reads it any more.", "success")
        return withdrawn
    return _page(engagements.get(db.session, actor, engagement_id), CommentForm(formdata=None), refused=form)


def _page(engagement: Engagement, form: CommentForm, *, refused: Form | None = None) -> ResponseReturnValue:
    """The page, also with what was refused on it. A fixed number of statements."""
    actor, names = current_actor(), sites.names_in(db.session, engagement.id)
    if not form.site_id.choices:
        form.offer(actor, names)
    asked = request.args.get("site", type=UUID)
    before = request.args.get("before", type=UUID)
    rows = comments.page(db.session, actor, engagement.id, site_id=asked, before=before, limit=COMMENTS_SHOWN + 1)
    shown = rows[:COMMENTS_SHOWN]
    authors = people.people_named(db.session, {row.author_id for row in shown})
    latest = updates.latest(db.session, actor, engagement.id)
    page = render_template(
        "conversation/comments.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement.id, "conversation"),
        engagement=site_pages.head_of(engagement),
        form=form,
        refused=refused,
        asked=str(asked) if asked in names else "",
        sites={str(site): name for site, name in names.items()},
        comments=[comment_row(row, authors, names, actor, engagement.time_zone) for row in shown],
        update=update_row(latest, engagement.time_zone) if latest else None,
        newest_url=url_for("comment.show", engagement_id=engagement.id, site=asked) if before else None,
        older_url=_older(engagement.id, asked, rows, shown),
    )
    return page, (refused or form).status


def _older(engagement_id: UUID, asked: UUID | None, rows: list[Comment], shown: list[Comment]) -> str | None:
    if len(rows) == len(shown):
        return None
    return url_for("comment.show", engagement_id=engagement_id, site=asked, before=shown[-1].id)
