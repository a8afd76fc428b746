"""The questionnaire about a site: what the scope and the choice of a path ask, for the team and the customer alike."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import Length, NumberRange, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.fact import COLUMN_FACTS, EVERY_FACT, FACTS, Fact
from tracker.domain.site import LARGEST_FACT, LONGEST_FACT
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import fact as service
from tracker.services.fact import FactsChange
from tracker.services.scoping import known_of
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.site import Site
from tracker.web import present, section
from tracker.web import site as site_pages
from tracker.web.filters import say_day
from tracker.web.form import Form, blank_to_none, save
from tracker.web.present import Shown, choices

bp = Blueprint("fact", __name__)
YES_NO = {"yes": "Yes", "no": "No"}
NOT_KNOWN = "Not known yet"
SOURCES = {
    "listing": "when the site was listed",
    "edit": "edited by the team",
    "questionnaire": "answered here",
    "question": "answered as a question",
    "inventory": "from the inventory",
}


class FactsForm(Form):
    """One field for each fact, filled in by `ask`."""

    def ask(self, site: Site, actor: Actor) -> None:
        """Leave out what is not asked of this system, and what only the team settles."""
        for key, fact in EVERY_FACT.items():
            not_theirs = fact.side == "team" and not actor.may(Permission.EDIT_ENGAGEMENT)
            if fact.cms not in (None, site.cms) or not_theirs:
                del self[key]
            elif fact.kind == "choice":
                known = known_of(site).get(key)
                own = {str(known): str(known)} if known is not None and str(known) not in fact.choices else {}
                self[key].choices = choices({**fact.choices, **own}, NOT_KNOWN)

    def change(self) -> FactsChange:
        """What was answered; an empty field says that nobody knows."""
        return FactsChange(
            {key: _said(fact, self[key].data) for key, fact in EVERY_FACT.items() if key in self}, self.edited_version()
        )


def _field(fact: Fact) -> Any:
    if fact.kind == "number":
        return IntegerField(fact.question, [Optional(), NumberRange(0, LARGEST_FACT, "Write a number from 0 on.")])
    if fact.kind == "text":
        return StringField(fact.question, [Optional(), Length(max=LONGEST_FACT)])
    offered = choices(YES_NO if fact.kind == "yes_no" else fact.choices, NOT_KNOWN)
    return SelectField(fact.question, [Optional()], choices=offered)


for _key, _fact in EVERY_FACT.items():
    setattr(FactsForm, _key, _field(_fact))


def _said(fact: Fact, typed: Any) -> Any:
    if fact.kind == "number":
        return typed
    text = blank_to_none(typed)
    return {"yes": True, "no": False}.get(text or "") if fact.kind == "yes_no" else text


def shown_values(site: Site) -> dict[str, Any]:
    """What the form shows of a site."""
    known = known_of(site)
    return {key: _shown(fact, known.get(key)) for key, fact in EVERY_FACT.items()}


def _shown(fact: Fact, value: Any) -> Any:
    if fact.kind == "yes_no":
        return {"True": "yes", "False": "no"}.get(str(value), "")
    return value


@bp.get("/sites/<uuid:site_id>/facts")
@allow(Permission.SEE_ENGAGEMENTS)
def show(site_id: UUID) -> str:
    """What is known of a site, and what is not."""
    return facts_page(form_of(sites.get(db.session, current_actor(), site_id)), site_id)


@bp.post("/sites/<uuid:site_id>/facts")
@allow(Permission.ANSWER)
def answer(site_id: UUID) -> ResponseReturnValue:
    """Answer the questionnaire."""
    actor = current_actor()
    form = form_of(sites.get(db.session, actor, site_id))
    saved = save(
        form,
        lambda: service.answer_facts(db.session, actor, site_id, form.change(), now=utc_now()),
        lambda _: url_for("scope.of_site", site_id=site_id),
    )
    if saved is not None:
        flash("Thank you. The scope is decided from your answers.", "success")
        return saved
    return facts_page(form, site_id), form.status


def form_of(site: Site) -> FactsForm:
    """The questionnaire as it stands for one site."""
    form = FactsForm(data=shown_values(site) | {"version": site.version})
    form.ask(site, current_actor())
    return form


def facts_page(form: FactsForm, site_id: UUID) -> str:
    """The questionnaire; after a stale edit with the version and the answers that stand there now."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    if form.status == 409:
        form.version.data = str(site.version)
        present.show_current(form, shown_values(site))
    origins = origins_of(site, engagement.time_zone)
    return render_template(
        "fact/facts.html",
        nav_current="portfolio",
        section_rows=section.of_site(actor, site_id, "facts"),
        form=form,
        groups=[
            Shown(title="For the scope", fields=list(_fields(form, origins, for_path=False))),
            Shown(title="For choosing the path", fields=list(_fields(form, origins, for_path=True))),
        ],
        unknown=sum(known_of(site).get(key) is None for key in EVERY_FACT if key in form),
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        back_url=url_for("scope.of_site", site_id=site_id),
    )


def _fields(form: FactsForm, origins: Mapping[str, str], *, for_path: bool) -> Iterator[Shown]:
    for key, fact in {**COLUMN_FACTS, **FACTS}.items():
        if key in form and fact.for_path is for_path:
            yield Shown(field=form[key], hint=origins.get(key) or fact.hint)


def origins_of(site: Site, zone: str) -> dict[str, str]:
    """Where each answer came from and when, in words; names in one statement."""
    sources: Mapping[str, Any] = site.fact_sources or {}
    names = people.people_named(db.session, {UUID(each["by"]) for each in sources.values() if each.get("by")})
    told = {}
    for key, each in sources.items():
        who = names.get(UUID(each["by"])) if each.get("by") else None
        on = say_day(datetime.fromisoformat(each["at"]).astimezone(ZoneInfo(zone)).date())
        told[key] = ", ".join(filter(None, [who, SOURCES.get(each["source"], each["source"]), on]))
    return told
