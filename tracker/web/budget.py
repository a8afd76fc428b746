"""Sell PS hours."""

from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, Field, RadioField, StringField
from wtforms.validators import InputRequired, StopValidation

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.budget import MAX_BLOCK_MINUTES, BudgetKind
from tracker.domain.duration import say_minutes
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import budget as service
from tracker.services.budget import AS_AGREED, BlockSpec
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store.database import db
from tracker.store.engagement import Agreement
from tracker.web import present
from tracker.web.form import DurationField, Form, save
from tracker.web.present import count_of

bp = Blueprint("budget", __name__)
AGREED, UNTIL, FOREVER = "agreed", "until", "for_ever"
UNTIL_LABEL = "until a day of its own"


class BlockHours(DurationField):
    """Hours as they are sold: a block may be longer than a day."""

    longest = MAX_BLOCK_MINUTES


def _only_of_its_own(form: "BlockForm", field: Field) -> None:
    """A last day is named where the block has one of its own, and nowhere else."""
    named = any(text.strip() for text in field.raw_data or [])
    if named is (form.term.data == UNTIL):
        if not named:
            field.errors = []
            raise StopValidation
        return
    field.errors = []
    raise StopValidation(f"Choose “{UNTIL_LABEL}” above, or leave this empty." if named else "Say which day.")


class BlockForm(Form):
    """A block of PS hours as it is sold."""

    duration = BlockHours("Hours", [InputRequired("Write how many hours.")])
    purchased_on = DateField("Bought on", [InputRequired("Say when they were bought.")])
    reference = StringField("Reference", [InputRequired("Write the order or quote.")])
    term = RadioField("It can be used", default=AGREED)
    expires_on = DateField("Last day", [_only_of_its_own])
    carries_over = BooleanField("What is left then is carried over")

    def offer(self, agreement: Agreement | None) -> None:
        """Offer what the agreement says first, and what may be said instead."""
        valid_days = agreement.ps_valid_days if agreement else None
        agreed = f"as agreed: {count_of(valid_days, 'day')} from its purchase" if valid_days else "as agreed: it does not end"
        self.term.choices = {AGREED: agreed, UNTIL: UNTIL_LABEL} | ({FOREVER: "for ever"} if valid_days else {})

    def spec(self) -> BlockSpec:
        """The block as it was entered."""
        assert self.purchased_on.data is not None
        expires_on = {AGREED: AS_AGREED, FOREVER: None}.get(self.term.data, self.expires_on.data)
        said = (self.duration.minutes or 0, self.reference.data or "", self.purchased_on.data)
        return BlockSpec(*said, expires_on, bool(self.carries_over.data))


@bp.route("/engagements/<uuid:engagement_id>/ps-blocks/new", methods=["GET", "POST"])
@allow(Permission.SELL_PS)
def sell(engagement_id: UUID) -> ResponseReturnValue:
    """Add a block of PS hours."""
    actor = current_actor()
    agreement = engagements.agreement_of(db.session, engagement_id)
    form = BlockForm(carries_over=agreement.ps_carry_over if agreement else False)
    form.offer(agreement)
    sold = save(
        form,
        lambda: service.sell_block(db.session, actor, engagement_id, form.spec(), now=utc_now()),
        lambda _: url_for("engagement.show", engagement_id=engagement_id, _anchor="ps"),
    )
    if sold is not None:
        flash(f"Sold: {say_minutes(form.spec().minutes)} of PS hours.", "success")
        return sold
    return sell_page(form, engagement_id), form.status


def sell_page(form: BlockForm, engagement_id: UUID) -> str:
    """The form, with what was sold until now."""
    engagement = engagements.get(db.session, current_actor(), engagement_id)
    customer = engagements.customer(db.session, engagement.customer_id)
    head = present.engagement_head(engagement, customer.name, "")
    kept = budgets.of_engagement(db.session, engagement_id)
    pool = next((present.budget_row(budget) for budget in kept if budget.kind == BudgetKind.PS), None)
    return render_template("budget/sell.html", nav_current="portfolio", form=form, engagement=head, ps=pool, back_url=head.url)
