"""One PS block: its reference and last day, and voiding what was entered by mistake."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.duration import say_minutes
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import ps_block as service
from tracker.services.ps_block import CHANGEABLE, BlockChange
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store import ps_block as blocks
from tracker.store.budget import PsBlock
from tracker.store.database import db
from tracker.web import present
from tracker.web.form import Form, save

bp = Blueprint("ps_block", __name__)


class BlockTermForm(Form):
    """What may change of a block."""

    reference = StringField("Reference", [InputRequired("Write the order or quote.")])
    expires_on = DateField("Last day", [Optional()])
    carries_over = BooleanField("What is left then is carried over")


class VoidForm(Form):
    """Why a block should never have been there."""

    reason = TextAreaField("Why", [InputRequired("Say why, such as: entered twice.")])


@bp.route("/ps-blocks/<uuid:block_id>/edit", methods=["GET", "POST"])
@allow(Permission.SELL_PS)
def edit(block_id: UUID) -> ResponseReturnValue:
    """Change a block's reference and term."""
    actor, block = current_actor(), blocks.get(db.session, current_actor(), block_id)
    form = BlockTermForm(data=_current(block) | {"version": block.version})

    def change() -> PsBlock:
        said = {name: form[name].data for name in CHANGEABLE}
        return service.change_block(db.session, actor, block_id, BlockChange(said, form.edited_version()), now=utc_now())

    if saved := save(form, change, _home):
        flash("The block is saved.", "success")
        return saved
    return edit_page(form, block_id), form.status


def edit_page(form: BlockTermForm, block_id: UUID) -> str:
    """The form; after a stale edit with the version and the values that stand there now."""
    block = blocks.get(db.session, current_actor(), block_id)
    if form.status == 409:
        form.version.data = str(block.version)
        present.show_current(form, _current(block))
    return render_template("budget/edit.html", form=form, **_shown(block))


@bp.route("/ps-blocks/<uuid:block_id>/void", methods=["GET", "POST"])
@allow(Permission.SELL_PS)
def void(block_id: UUID) -> ResponseReturnValue:
    """Take a block that was entered by mistake out of the pool."""
    actor, form = current_actor(), VoidForm()
    voided = save(form, lambda: service.void_block(db.session, actor, block_id, form.reason.data or "", now=utc_now()), _home)
    if voided is not None:
        flash("The block is voided. It stays in the list, with the reason.", "success")
        return voided
    return void_page(form, block_id), form.status


def void_page(form: VoidForm, block_id: UUID) -> str:
    """The question, with what the pool has then."""
    block = blocks.get(db.session, current_actor(), block_id)
    kept = next(each for each in budgets.of_engagement(db.session, block.engagement_id) if each.site_id is None)
    left = kept.balance.left
    after = [("PS hours left now", say_minutes(left)), ("Left without this block", say_minutes(max(0, left - block.left)))]
    return render_template("budget/void.html", form=form, after=after if block.booked == 0 else None, **_shown(block))


def _home(block: PsBlock) -> str:
    return url_for("engagement.show", engagement_id=block.engagement_id, _anchor="ps")


def _current(block: PsBlock) -> dict[str, Any]:
    return {name: getattr(block, name) for name in CHANGEABLE}


def _shown(block: PsBlock) -> dict[str, Any]:
    """What both pages show of a block and of where it belongs."""
    engagement = engagements.get(db.session, current_actor(), block.engagement_id)
    customer = engagements.customer(db.session, engagement.customer_id)
    head = present.engagement_head(engagement, customer.name, "")
    return {
        "nav_current": "portfolio",
        "engagement": head,
        "block": present.block_row(block, current_actor(), present.today_of(engagement)),
        "may_void": block.booked == 0 and block.voided_at is None,
        "back_url": _home(block),
    }
