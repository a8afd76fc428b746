"""The steps of a guided path: what each needs before it is done, who may do it, and what its inputs may hold.

Nothing here goes to the network: what cannot be checked by reading is confirmed by a person. Source: docs/rules/paths.md.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import FieldError, Guard, Invalid, NotAllowed
from tracker.domain.path import LAUNCH, MANAGED, read_fact
from tracker.domain.runbook import Runbook, Runbooks, RunbookStep
from tracker.domain.secret import find_secret
from tracker.domain.text import TextError, read_line, read_text

INPUT_LENGTH, EVIDENCE_LENGTH, REASON_LENGTH = 500, 2000, 500
NO_EVIDENCE = "none needed"
# Without it a run of 2024 is not complete, so nothing stands in for it.
NEVER_SKIPPED = frozenset({("wordpress-guided-2024", "confirm-progress")})
TARGET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?")
ARCHIVE_ENDINGS = (".tar.gz", ".tgz")
DRUSH_OF_THE_ARCHIVE = 8
# What the tracker itself sees to when an input is saved or a step is finished. The rest is confirmed by a person.
CHECKED_HERE = frozenset(
    {"target_site_name.1", "machine_token.2", "archive_url.2", "prepare.drush", "confirm-progress.1", "make-archive.drush"}
)
CHECKED_TEXTS = {
    "auto: drush major version is 8 or less": "prepare.drush",
    "auto: drush major is 11 or later": "make-archive.drush",
}
ACTORS = {
    "customer": "You",
    "migrations_team": "Migrations team",
    "engagement_manager": "Engagement manager",
    "account_rep": "Account representative",
    "onboarding_manager": "Onboarding manager",
    "support": "Platform support",
    "platform": "The platform",
}


@dataclass(frozen=True)
class Check:
    """Something that must hold before a step is done. One that is `here` the tracker sees to itself."""

    id: str
    text: str
    here: bool


def checks_of(step: RunbookStep, shared: Runbooks) -> list[Check]:
    """The checks of a step, shared ones spelt out, each with an id that `confirmed` names."""
    found: list[Check] = []
    for number, name in enumerate(step.validation, 1):
        if name in shared.shared_validations:
            found += [_check(f"{name}.{place}", text) for place, text in enumerate(shared.shared_validations[name], 1)]
        else:
            found.append(_check(CHECKED_TEXTS.get(name, f"{step.id}.{number}"), name))
    return found


def _check(name: str, text: str) -> Check:
    said = text.partition(":")[2].strip()
    return Check(name, said[:1].upper() + said[1:], name in CHECKED_HERE)


def to_confirm(checks: Collection[Check]) -> list[Check]:
    """The checks that a person ticks."""
    return [check for check in checks if not check.here]


def needs_evidence(step: RunbookStep) -> bool:
    return step.evidence.strip().lower() != NO_EVIDENCE


def doer_of(runbook: Runbook, step: RunbookStep, *, managed: bool) -> str:
    """Whose turn a step is.

    In a managed engagement the migrations team does what a technical path leaves to the site's owner; in a self-service one
    the owner is the one who moves the site, so what a path leaves to the team is theirs.
    """
    if managed and step.actor == "customer" and runbook.id not in (MANAGED, LAUNCH):
        return "migrations_team"
    if not managed and step.actor == "migrations_team":
        return "customer"
    return step.actor


def may_settle(actor: Actor, step: RunbookStep, doer: str) -> bool:
    """Whether somebody may settle a step: staff any, customers what is theirs or what the catalogue leaves to them."""
    if actor.is_staff:
        return actor.may(Permission.WORK_ON_SITES)
    return actor.may(Permission.ANSWER) and "customer" in (step.actor, doer)


def is_customers_own(step: RunbookStep, doer: str) -> bool:
    """Whether the catalogue itself leaves a step to the customer, and nobody has taken it over."""
    return step.actor == doer == "customer"


def check_doer(actor: Actor, step: RunbookStep, doer: str, *, on_behalf: bool) -> None:
    """Raises NotAllowed for a customer at the team's step, Invalid for staff at the customer's who do not say so."""
    actor.must(Permission.ANSWER)
    if not may_settle(actor, step, doer):
        raise NotAllowed("This step is the team's. You will see here when it is done.")
    if actor.is_staff and is_customers_own(step, doer) and not on_behalf:
        raise Invalid.at("on_behalf", "This step is the customer's. Say that you did it for them.")


@dataclass(frozen=True)
class StepState:
    """Where one step stands."""

    step: str
    finished: bool


def check_order(states: Sequence[StepState], step: str, titles: Mapping[str, str]) -> None:
    """Raises Guard for a step before which another one is still open."""
    for state in states:
        if state.step == step:
            return
        if not state.finished:
            raise Guard(
                f"First comes “{titles[state.step]}”. Finish or skip it before this one.", rule="order", missing=[state.step]
            )


def check_skip(runbook: Runbook, step: RunbookStep, reason: str) -> str:
    """The reason as it is kept. Raises Guard for what is never skipped, Invalid where no reason is given."""
    if (runbook.id, step.id) in NEVER_SKIPPED:
        raise Guard(
            "This step cannot be skipped: a run is not complete before its progress is confirmed on the platform.",
            rule="confirmation",
            missing=[step.id],
        )
    kept = read_kept("skipped_reason", reason, REASON_LENGTH)
    if not kept:
        raise Invalid.at("skipped_reason", "Say why this step is skipped.")
    return kept


def check_finish(
    step: RunbookStep, checks: Collection[Check], *, inputs: Mapping[str, str], evidence: str, confirmed: Collection[str]
) -> None:
    """Raises Invalid naming every input, evidence and confirmation that is still missing."""
    errors = [
        FieldError(f"inputs.{name}", f"{label_of(name)}: this is needed before the step is done.")
        for name in step.inputs
        if not inputs.get(name)
    ]
    if needs_evidence(step) and not evidence:
        errors.append(FieldError("evidence", f"Write what shows that it is done: {step.evidence}."))
    open_checks = [check for check in to_confirm(checks) if check.id not in confirmed]
    errors += [FieldError("confirmed", f"Still to be confirmed by you: {check.text}.") for check in open_checks]
    if errors:
        raise Invalid(errors)


def check_confirmed(checks: Collection[Check], confirmed: Collection[str]) -> list[str]:
    """The confirmed checks in their order. Raises Invalid for one that the step does not have."""
    known = [check.id for check in checks]
    unknown = [name for name in confirmed if name not in known]
    if unknown:
        raise Invalid.at("confirmed", f"This step has no check called {unknown[0][:60]}.")
    return [name for name in known if name in confirmed]


def label_of(name: str) -> str:
    """An input's name as people read it."""
    if name in LABELS:
        return LABELS[name]
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


LABELS = {
    "archive_url": "Public address of the archive",
    "source_url": "Address of the current site",
    "dev_url": "Address of the Dev site",
    "channel_url": "Address of the channel",
    "target_site_name": "Name of the new site",
    "target_site_names": "Names of the new sites",
    "token_name": "Name of the machine token",
    "token_secret_ref": "Where the machine token is kept",
    "source_admin_access_ref": "Where the access to the source is kept",
    "access_ref": "Where the access to the source is kept",
    "email_secret_ref": "Where the mail account is kept",
    "cms": "System",
    "cms_variant": "Variant",
    "php_version": "PHP version",
    "sql_dump": "Database dump",
    "drush_version": "Drush version",
    "drush_access": "How Drush is run",
    "dns_records": "DNS records",
    "wp_config": "wp-config.php",
    "settings.php": "settings.php",
    "sites.php": "sites.php",
    "composer.json": "composer.json",
}
HINTS = {
    "archive_url": "Anybody must be able to download it. A Dropbox link is changed to end in dl=1.",
    "target_site_name": "Small letters, digits and hyphens.",
    "target_site_names": "Small letters, digits and hyphens; several with a comma between them.",
    "token_name": "Only its name. Never paste the token itself here.",
    "drush_version": "As drush --version says it, such as 8.4.12.",
    "cms_variant": "drupal-7 or drupal-composer.",
    "archive_path": "The file's name ends in .tar.gz or .tgz.",
}
REFERENCE_HINT = "Where it is kept, such as the entry in your password store. Never the secret itself."


def hint_of(name: str) -> str | None:
    """What helps to fill in an input."""
    return HINTS.get(name) or (REFERENCE_HINT if name.endswith("_ref") else None)


# --- reading inputs ---------------------------------------------------------------------------------------------------


def read_inputs(runbook: Runbook, step: RunbookStep, said: Mapping[str, str | None]) -> dict[str, str]:
    """The inputs that were said, as they are kept; an empty one takes it back.

    Raises Invalid at `inputs.<name>` for an input that the step does not have and for what cannot stand.
    """
    errors: list[FieldError] = []
    read: dict[str, str] = {}
    for name, text in said.items():
        if name not in step.asked:
            errors.append(FieldError(f"inputs.{name[:60]}", "This step asks for no such input."))
            continue
        try:
            read[name] = _read_input(runbook, name, text or "")
        except TextError as error:
            errors.append(FieldError(f"inputs.{name}", error.message))
    if errors:
        raise Invalid(errors)
    return read


def _read_input(runbook: Runbook, name: str, text: str) -> str:
    line = read_line(text, INPUT_LENGTH) if name not in ADDRESSES else read_address(text)
    if not line:
        return ""
    if name in READERS:
        line = READERS[name](line)
    if name == "drush_version":
        _check_drush(runbook, line)
    return line


def read_address(text: str) -> str:
    """A web address without user or password. Raises TextError."""
    line = read_line(text, 2000)
    if not line:
        return ""
    try:
        parts = urlsplit(line)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise TextError("That is not a web address. Write it like https://example.com/site.tar.gz.") from None
    if parts.scheme.lower() not in ("http", "https") or not host or " " in line:
        raise TextError("Write a web address that begins with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise TextError("Leave user name and password out of the address: it must be reachable without them.")
    return line


def read_archive_address(line: str) -> str:
    """The public address of an archive; a Dropbox link so that it downloads the file (BR-34). Raises TextError."""
    line = direct_dropbox(line)
    last = urlsplit(line).path.rpartition("/")[2].lower()
    if "." in last and not last.endswith(ARCHIVE_ENDINGS):
        raise TextError("The archive's name must end in .tar.gz or .tgz.")
    return line


def direct_dropbox(address: str) -> str:
    """A Dropbox link with dl=1: dl=0 is changed, a missing dl added. Any other address stays as it is (BR-34)."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    if host != "dropbox.com" and not host.endswith(".dropbox.com"):
        return address
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "dl"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("dl", "1")])))


def read_target_name(line: str) -> str:
    """The name of a target site. Raises TextError."""
    if not TARGET_NAME.fullmatch(line):
        raise TextError("Use small letters, digits and hyphens only, such as acme-shop; begin and end with a letter or digit.")
    return line


def read_target_names(line: str) -> str:
    """Several names, with a comma between them. Raises TextError."""
    return ", ".join(dict.fromkeys(read_target_name(each.strip()) for each in line.split(",") if each.strip()))


def read_token_name(line: str) -> str:
    """The name of a machine token, never the token: any name goes, also a reserved one. Raises TextError."""
    if secret := find_secret(line):
        raise TextError(secret.message)
    return line


def read_archive_name(line: str) -> str:
    """The name of an archive. Raises TextError."""
    if not line.lower().endswith(ARCHIVE_ENDINGS):
        raise TextError("The archive's name must end in .tar.gz or .tgz.")
    return line


def read_variant(line: str) -> str:
    """Which Drupal the guided path is told. Raises TextError."""
    if line not in ("drupal-7", "drupal-composer"):
        raise TextError("Choose drupal-7 or drupal-composer, as the guided path offers them.")
    return line


def _check_drush(runbook: Runbook, line: str) -> None:
    major = read_fact("drush_major", line)
    if major is None:
        raise TextError("Write the version as a number, such as 8.4.12.")
    if runbook.id == "drupal-guided-archive" and not 1 <= major < DRUSH_OF_THE_ARCHIVE + 1:
        raise TextError("drush ard needs Drush 8 or older. With a newer Drush another path fits.")
    if runbook.id == "drupal-composer-archive-conversion" and major < 11:
        raise TextError("This archive needs Drush 11 or newer. With an older Drush another path fits.")


ADDRESSES = frozenset({"archive_url", "source_url", "dev_url", "channel_url"})
READERS: Mapping[str, Callable[[str], str]] = {
    "archive_url": read_archive_address,
    "archive_path": read_archive_name,
    "target_site_name": read_target_name,
    "target_site_names": read_target_names,
    "token_name": read_token_name,
    "cms_variant": read_variant,
}


def target_names(inputs: Mapping[str, str]) -> list[str]:
    """The names of target sites among some inputs."""
    said = [inputs.get("target_site_name", ""), *inputs.get("target_site_names", "").split(",")]
    return [name for each in said if (name := each.strip())]


def read_kept(field: str, text: str, longest: int) -> str:
    """A text as it is kept: tidied, and no secret in it. Raises Invalid at the field."""
    try:
        return read_text(text, longest)
    except TextError as error:
        raise Invalid.at(field, error.message) from None
