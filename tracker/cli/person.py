"""People and their tokens."""

import json
from typing import Any

import click

from tracker.cli.base import as_json, cli, fail, in_app
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.edge.work import work
from tracker.services import person as person_service
from tracker.services import sign_in as sign_in_service
from tracker.services import token as token_service
from tracker.services.person import PersonSpec
from tracker.settings import read_settings
from tracker.store import person as people
from tracker.store.database import db


@cli.group()
def person() -> None:
    """People who sign in."""


@person.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", required=True, help="admin, engagement_manager, engineer, customer_approver or customer_viewer")
@click.option("--customer", help="The customer's name, for customer roles.")
@as_json
@in_app
def person_add(email: str, name: str, role: str, customer: str | None, json_: bool) -> None:
    """Make a person and print a one-time sign-in link on the last line."""
    now = utc_now()
    with work():
        added = person_service.add_person(db.session, SYSTEM, PersonSpec(email, name, role, customer), now=now)
        secret = sign_in_service.make_link(db.session, SYSTEM, added.id, now=now)
    link = f"{read_settings().base_url}/sign-in/{secret}"
    if json_:
        click.echo(json.dumps({"id": str(added.id), "link": link}))
    else:
        click.echo(f"{added.name} <{added.email}> may sign in once within three days with:")
        click.echo(link)


@cli.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.option("--email", required=True, help="Whom the token acts as.")
@click.option("--scope", required=True, type=click.Choice(["read", "write", "admin"]))
@click.option("--engagement", type=click.UUID, help="Only this engagement.")
@as_json
@in_app
def token_create(email: str, scope: str, engagement: Any, json_: bool) -> None:
    """Make a token and print it on the last line. It is shown once."""
    found = people.by_email(db.session, email)
    if found is None:
        fail(f"there is nobody with the e-mail address {email}")
    with work():
        secret = token_service.create_token(db.session, SYSTEM, found.id, scope, engagement_id=engagement, now=utc_now())
    click.echo(json.dumps({"token": secret}) if json_ else secret)
