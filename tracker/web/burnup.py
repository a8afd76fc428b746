"""How hours are used up: three numbers, a plot, a table and a file for each budget, today or as of a past day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, HiddenField
from wtforms import Form as PlainForm

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import BUDGET_LABELS, BudgetKind
from tracker.domain.burnup import Point, burn_up, check_past
from tracker.domain.errors import Invalid, NotFound
from tracker.domain.forecast import RunsOut, runs_out
from tracker.domain.hours_report import GroupBy
from tracker.domain.workday import Calendar
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services.planning import calendar_of
from tracker.store import burnup
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.burnup import Account
from tracker.store.database import db
from tracker.store.engagement import Customer, Engagement
from tracker.store.site import Site
from tracker.web import present, section
from tracker.web.burnup_plot import plot_of
from tracker.web.csv_answer import csv_answer
from tracker.web.filters import say_day
from tracker.web.hours_filter import BEGINNING
from tracker.web.present import Shown

bp = Blueprint("burnup", __name__)
# So many budgets of sites are drawn one by one; more are drawn together, and each on the page of its site.
DRAWN_APART = 4
NEVER_TOGETHER = "Hours never move from one site to another: what is left here is not left for every site."
BAD_DAY = "Write the day as 2026-11-20."


class AsOfForm(PlainForm):
    """Sent by GET, so that the balances of a day are an address to keep."""

    as_of = DateField("Balances at the end of")
    site = HiddenField()


@dataclass(frozen=True)
class Asked:
    """Whose hours are asked for, and as of when. `fault` is what is wrong with the day."""

    actor: Actor
    engagement: Engagement
    customer: Customer
    calendar: Calendar
    today: date
    site: Site | None
    as_of: date | None
    fault: str | None

    @classmethod
    def read(cls, engagement_id: UUID) -> "Asked":
        """From the address. Raises NotFound, also for a site that is not this engagement's."""
        actor = current_actor()
        engagement = engagements.get(db.session, actor, engagement_id)
        customer, now = engagements.customer(db.session, engagement.customer_id), utc_now()
        calendar = calendar_of(db.session, engagement, customer.country, [now.date()])
        today, as_of, fault = calendar.local_date(now), None, None
        if said := request.args.get("as_of"):
            try:
                as_of = check_past(date.fromisoformat(said), today)
            except ValueError:
                fault = BAD_DAY
            except Invalid as error:
                fault = error.errors[0].message
        return cls(actor, engagement, customer, calendar, today, _site(actor, engagement_id), as_of, fault)

    def url(self, endpoint: str = "burnup.show", **said: object) -> str:
        """The address of the same with something else about it."""
        kept = {"site": self.site.id if self.site else None, "as_of": self.as_of}
        return url_for(endpoint, engagement_id=self.engagement.id, **(kept | said))  # type: ignore[arg-type]

    def accounts(self) -> list[Account]:
        """The budgets that are asked for; of a site that was withdrawn only what was worked there is left."""
        site_id = self.site.id if self.site else None
        found = burnup.accounts(db.session, self.engagement.id, self.calendar, as_of=self.as_of, site_id=site_id)
        return [each for each in found if each.site_stage != "withdrawn" or each.worked]

    def form(self) -> AsOfForm:
        """The day as it was typed, with what is wrong with it."""
        form = AsOfForm(data={"as_of": self.as_of or self.today, "site": str(self.site.id) if self.site else ""})
        if self.fault:
            form.as_of.errors = [f"{self.fault} Until then today is shown."]
            form.as_of.raw_data = [request.args["as_of"]]
        return form


def _site(actor: Actor, engagement_id: UUID) -> Site | None:
    said = request.args.get("site")
    if not said:
        return None
    try:
        site = sites.get(db.session, actor, UUID(said))
    except ValueError:
        raise NotFound from None
    if site.engagement_id != engagement_id:
        raise NotFound
    return site


@bp.get("/engagements/<uuid:engagement_id>/hours")
@allow(Permission.SEE_ENGAGEMENTS)
def show(engagement_id: UUID) -> ResponseReturnValue:
    """The budgets of an engagement, or of one of its sites. A fixed number of statements."""
    asked = Asked.read(engagement_id)
    kept = asked.accounts()
    page = render_template(
        "hours/burnup.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(asked.actor, engagement_id, "hours"),
        engagement=present.engagement_head(asked.engagement, asked.customer.name, ""),
        site=asked.site,
        form=asked.form(),
        as_of=say_day(asked.as_of) if asked.as_of else None,
        today_url=asked.url(as_of=None),
        all_url=asked.url(site=None),
        csv_url=asked.url("burnup.as_csv") if any(each.points for each in kept) else None,
        cards=_cards(asked, kept),
        rows=_rows(asked, kept) if asked.site is None else [],
        reports=_reports(asked) if asked.actor.may(Permission.SEE_INTERNAL) else [],
    )
    return page, 422 if asked.fault else 200


@bp.get("/engagements/<uuid:engagement_id>/hours.csv")
@allow(Permission.SEE_ENGAGEMENTS)
def as_csv(engagement_id: UUID) -> ResponseReturnValue:
    """Every day on which something moved, budget by budget, in minutes; `budget` narrows to one kind."""
    asked = Asked.read(engagement_id)
    if asked.fault:
        raise Invalid.at("as_of", asked.fault)
    kind = request.args.get("budget")
    heads = ["budget", "site", "day", "used_minutes", "held_minutes", "limit_moved_minutes"]
    heads += ["used_so_far", "held_so_far", "limit_minutes", "left_minutes", "what_moved_the_limit"]
    chosen = [each for each in asked.accounts() if kind is None or each.kind == kind]
    return csv_answer("hours.csv", heads, (row for account in chosen for row in _csv_rows(account)))


def _csv_rows(account: Account) -> Iterable[list[str | int | date]]:
    for point in account.points:
        why = "; ".join(step.why for step in point.steps)
        moved = [point.used_that_day, point.held_that_day, point.moved_limit]
        so_far = [point.used, point.held, point.limit, point.left]
        yield [BUDGET_LABELS[account.kind], account.site_name or "", point.day, *moved, *so_far, why]


def _cards(asked: Asked, kept: Sequence[Account]) -> list[Shown]:
    """Each budget with its plot, those on which nothing moved last. Many sites are drawn together."""
    own = [each for each in kept if each.site_id is not None]
    pool = [_card(asked, each) for each in kept if each.site_id is None and each.steps]
    if asked.site is None and len(own) > DRAWN_APART:
        return [_together(asked, own), *pool]
    cards = [*(_card(asked, each) for each in sorted(own, key=_closeness)), *pool]
    return sorted(cards, key=lambda card: card.plot is None)


def _card(asked: Asked, account: Account) -> Shown:
    label = BUDGET_LABELS[account.kind]
    title = f"{account.site_name}: {label}" if account.site_id is not None and asked.site is None else label
    card = _drawn(asked, title, account.opening, account.points)
    card.csv_url = asked.url("burnup.as_csv", site=account.site_id, budget=account.kind.value)
    card.forecast = say_forecast(forecast_of(asked, account))
    card.note = "for all sites together" if account.site_id is None else "for this site only"
    return card


def _together(asked: Asked, own: Sequence[Account]) -> Shown:
    opening = sum(each.opening for each in own)
    points = burn_up(opening, [day for each in own for day in each.worked], [])
    card = _drawn(asked, "All sites together", opening, points)
    card.csv_url, card.forecast, card.note = asked.url("burnup.as_csv"), NEVER_TOGETHER, "each for itself below"
    return card


def _drawn(asked: Asked, title: str, opening: int, points: Sequence[Point]) -> Shown:
    last = points[-1] if points else Point(asked.today, 0, 0, (), 0, 0, opening)
    return Shown(
        title=title,
        limit=last.limit,
        used=last.used,
        held=last.held,
        warn=last.limit > 0 and (last.used + last.held) * 100 >= 80 * last.limit,
        plot=plot_of(title, opening, points, asked.as_of or asked.today),
        days=[_day(point) for point in reversed(points)],
        limit_moves=any(point.steps for point in points),
    )


def _day(point: Point) -> Shown:
    """One row of the table, with the day's own minutes, which add up, and how the budget stood with them."""
    return Shown(
        day=say_day(point.day),
        used_that_day=point.used_that_day,
        held_that_day=point.held_that_day,
        used=point.used,
        held=point.held,
        limit=point.limit,
        why=[step.why for step in point.steps],
    )


def _rows(asked: Asked, kept: Iterable[Account]) -> list[Shown]:
    """The budgets of sites, those closest to their cap first."""
    return [
        Shown(
            name=each.site_name,
            url=asked.url(site=each.site_id),
            label=BUDGET_LABELS[each.kind],
            limit=each.balance.limit,
            used=each.balance.used,
            held=each.balance.held,
            warn=each.balance.warn,
            forecast=say_forecast(forecast_of(asked, each)),
        )
        for each in sorted((each for each in kept if each.site_id is not None), key=_closeness)
    ]


def _closeness(account: Account) -> tuple[Fraction, str, BudgetKind]:
    balance = account.balance
    booked = Fraction(balance.used + balance.held, balance.limit) if balance.limit else Fraction(0)
    return -booked, account.site_name or "", account.kind


def forecast_of(asked: Asked, account: Account) -> RunsOut | None:
    """When a budget runs out; nothing of a past day, nor where nobody goes on working."""
    over = asked.engagement.status != "active" or account.site_stage in ("closed", "withdrawn")
    if asked.as_of is not None or over:
        return None
    return runs_out(account.balance.left, account.minutes_by_day, asked.today, asked.calendar)


def say_forecast(found: RunsOut | None) -> str | None:
    """The range in words."""
    if found is None:
        return None
    if found.latest is None:
        return f"At the pace of the last four weeks it does not run out before {say_day(found.earliest)}."
    if found.earliest == found.latest:
        return f"At the pace of the last four weeks it runs out on {say_day(found.earliest)}."
    between = f"between {say_day(found.earliest)} and {say_day(found.latest)}"
    return f"At the pace of the last four weeks it runs out {between}."


def _reports(asked: Asked) -> list[Shown]:
    """The same hours added up by other things, for the team."""
    narrowed = {"site": asked.site.id} if asked.site else {"engagement": asked.engagement.id}
    groups = [group for group in GroupBy if group is not GroupBy.ENGAGEMENT and not (asked.site and group is GroupBy.SITE)]
    since = {"from": BEGINNING}
    return [
        Shown(label=group.label, url=url_for("hours.show", group_by=group.value, **narrowed, **since))  # type: ignore[arg-type]
        for group in groups
    ]
