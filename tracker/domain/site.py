"""One site of an engagement: what it is, what its package entitles it to, and the states of its migration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from tracker.domain.errors import FieldError, Guard, Invalid
from tracker.domain.fact import FACT_KEYS, check_kind
from tracker.domain.lifecycle import Lifecycle, Need, Step, say_state
from tracker.domain.secret import find_secret
from tracker.domain.text import TextError, clean_line, read_line

CMS = ("wordpress", "drupal")
CMS_VARIANTS = ("drupal-7", "drupal-composer")
PLANS = ("sandbox", "basic", "performance_s", "performance_m", "performance_l", "performance_xl", "elite")
PACKAGES = ("standard", "premium")
EXTRA_HOURS = "extra-hours-10"
PREMIUM_OPTIONS = (
    EXTRA_HOURS,
    "custom-upstream",
    "blogs-dir-conversion",
    "extra-content-resync",
    "performance-report",
    "cron-custom-module",
)
UPSTREAM_CHOICES = ("default", "nested-docroot-or-composer", "custom-or-alternative")
MULTISITE_DECISIONS = ("keep", "split")


class SiteStage(StrEnum):
    """Where one site stands on its way (domain: lifecycle of a site migration)."""

    LISTED = "listed"
    QUALIFIED = "qualified"
    MIGRATING = "migrating"
    MIGRATED = "migrated"
    REMEDIATING = "remediating"
    READY_FOR_UAT = "ready_for_uat"
    IN_UAT = "in_uat"
    UAT_FIXING = "uat_fixing"
    UAT_ACCEPTED = "uat_accepted"
    LAUNCH_PLANNED = "launch_planned"
    CONTENT_FROZEN = "content_frozen"
    RESYNCING = "resyncing"
    RESYNCED = "resynced"
    CUTOVER_OPEN = "cutover_open"
    DNS_VERIFIED = "dns_verified"
    LAUNCHED = "launched"
    HYPERCARE = "hypercare"
    CLOSED = "closed"
    ROLLED_BACK = "rolled_back"
    WITHDRAWN = "withdrawn"


AGREED = Need("requirements_agreed", "The requirements that list this site are not agreed yet.", "BR-01")
INVENTORY = Need("inventory_received", "The site inventory has not been received.", "BR-08")
SIGNED = Need("requirements_signed", "A customer approver has not signed the agreed requirements.", "BR-08")
SCOPE_SETTLED = Need("scope_settled", "The scope is not settled.", "BR-31")
UAT_SIGNED = Need(
    "uat_signed",
    "A customer approver has not signed the acceptance test, nor has it lapsed under the agreed clause.",
    "BR-49",
    or_else=("uat_lapsed",),
)
TOLD = Need("content_freeze_told", "Those affected have not been told about the content freeze.", "BR-46")
CUTOVER_SIGNED = Need("cutover_signed", "A customer approver has not signed the DNS cutover.", "BR-49")

# Where a site stands when the customer is asked to sign for it: a signature is under what was there to be seen (BR-49).
SIGNED_AT: Mapping[str, frozenset[str]] = {
    "uat": frozenset({"in_uat", "uat_fixing"}),
    "cutover": frozenset({"cutover_open"}),
    "freeze": frozenset(SiteStage) - {"listed", "launched", "hypercare", "closed", "withdrawn"},
}


def check_signable(name: str, stage: str, subject: str) -> None:
    """Raises Guard where a site is not at the point at which that signature is asked for (BR-49)."""
    if stage not in SIGNED_AT[subject]:
        said = f"{name} is {say_state(stage)}: this is not asked for now."
        raise Guard(said, rule="BR-49", missing=sorted(SIGNED_AT[subject]))


WITHDRAW = Step("withdrawn")
POSTPONE = Step("launch_planned")
SITE_LIFECYCLE: Lifecycle = {
    "listed": (Step("qualified", (AGREED, INVENTORY)), WITHDRAW),
    "qualified": (Step("migrating", (AGREED, INVENTORY, SIGNED)), WITHDRAW),
    "migrating": (Step("migrated"), WITHDRAW),
    "migrated": (Step("remediating"), WITHDRAW),
    "remediating": (Step("ready_for_uat"), WITHDRAW),
    "ready_for_uat": (Step("in_uat", (SCOPE_SETTLED,)), WITHDRAW),
    "in_uat": (Step("uat_fixing"), Step("uat_accepted", (UAT_SIGNED,)), WITHDRAW),
    "uat_fixing": (Step("in_uat", (SCOPE_SETTLED,)), WITHDRAW),
    "uat_accepted": (Step("launch_planned"), WITHDRAW),
    "launch_planned": (Step("content_frozen", (TOLD,)), WITHDRAW),
    "content_frozen": (Step("resyncing"), POSTPONE, WITHDRAW),
    "resyncing": (Step("resynced"), POSTPONE, WITHDRAW),
    "resynced": (Step("cutover_open"), POSTPONE, WITHDRAW),
    "cutover_open": (Step("dns_verified", (CUTOVER_SIGNED,)), Step("rolled_back")),
    "rolled_back": (POSTPONE, WITHDRAW),
    "dns_verified": (Step("launched"),),
    "launched": (Step("hypercare"),),
    "hypercare": (Step("closed"),),
    "closed": (),
    "withdrawn": (),
}
# No work is booked on a site that has left the engagement.
WORKABLE = frozenset(SITE_LIFECYCLE) - {"closed", "withdrawn"}
LAUNCHED_STAGES = frozenset({"launched", "hypercare", "closed"})

LONGEST_URL, LONGEST_FACT = 2000, 200
LARGEST_FACT = 10**12  # No count of a site comes near, and every database and reader of JSON holds it.
HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)


@dataclass(frozen=True)
class SiteAddress:
    """The address of a source site, and the key under which two spellings of it are the same site."""

    url: str
    key: str


def read_address(text: str) -> SiteAddress:
    """Read an address such as `shop.example.com` or `https://shop.example.com/de`.

    The scheme may be left out. Host names beyond ASCII are kept as typed and compared by their IDNA form.
    Raises Invalid at `url`.
    """
    try:
        typed = clean_line(text, LONGEST_URL)
    except TextError as error:
        raise Invalid.at("url", error.message) from None
    if " " in typed:
        raise Invalid.at("url", "A web address holds no spaces. Write it like https://shop.example.com.")
    candidate = typed if "://" in typed else f"https://{typed}"
    try:
        parts = urlsplit(candidate)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
        port = parts.port
    except (ValueError, UnicodeError):
        raise Invalid.at("url", "That is not a web address. Write it like https://shop.example.com.") from None
    if parts.scheme not in ("http", "https") or not HOST.fullmatch(host):
        raise Invalid.at("url", "That is not a web address. Write it like https://shop.example.com.")
    if parts.username or parts.password:
        raise Invalid.at("url", "Leave user name and password out of the address; credentials are never stored.")
    if secret := find_secret(typed):
        raise Invalid.at("url", secret.message)
    path = parts.path.rstrip("/")
    return SiteAddress(url=candidate, key=f"{host}{f':{port}' if port not in (None, 80, 443) else ''}{path}")


def check_package(package: str, premium_option: str | None) -> None:
    """Premium takes exactly one extra, Standard none (BR-02). Raises Invalid at `premium_option`."""
    if package == "premium" and premium_option is None:
        raise Invalid.at("premium_option", "A Premium site takes exactly one extra. Choose which.")
    if package == "standard" and premium_option is not None:
        raise Invalid.at("premium_option", "A Standard site has no Premium extra. Leave it empty, or choose Premium.")


def check_variant(cms: str, cms_variant: str | None) -> None:
    """A variant belongs to Drupal. Raises Invalid at `cms_variant`."""
    if cms != "drupal" and cms_variant is not None:
        raise Invalid.at("cms_variant", "Only a Drupal site has a variant.")


def check_multisite(cms: str, facts: Mapping[str, Any], decision: str | None) -> None:
    """A Drupal multisite is split: the platform runs one code base and one database per site. Raises Invalid at the field."""
    if decision == "keep" and cms == "drupal" and facts.get("drupal_multisite") is True:
        raise Invalid.at(
            "multisite_decision",
            "A Drupal multisite cannot stay one: the platform runs one code base and one database for each site. Split it.",
        )


def check_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that were said, texts tidied. Raises Invalid for a key that no rule asks about and for what is no plain value."""
    unknown = [key for key in facts if key not in FACT_KEYS]
    if unknown:
        raise Invalid(
            [FieldError("facts", f"No rule asks about {key[:60]}. Known facts: {', '.join(FACT_KEYS)}.") for key in unknown[:3]]
        )
    said: dict[str, Any] = {}
    errors: list[FieldError] = []
    for key, value in facts.items():
        try:
            said[key] = check_kind(key, _plain_value(value))
        except ValueError as error:
            errors.append(FieldError(f"facts.{key}", str(error)))
    if errors:
        raise Invalid(errors)
    return said


def _plain_value(value: Any) -> Any:
    """Raises ValueError for what is neither a text, a number, true, false nor null."""
    if isinstance(value, str):
        return read_line(value, LONGEST_FACT)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        # Also false for what is no number (NaN) or has no end.
        if -LARGEST_FACT <= value <= LARGEST_FACT:
            return value
        raise ValueError(f"Write a number of at most {LARGEST_FACT:,}.")
    raise ValueError("Write a text, a number, true or false; null says that nobody knows yet.")


def read_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Every known key, None where nothing is known. Raises Invalid as `check_facts` does."""
    return every_fact(check_facts(facts))


def every_fact(said: Mapping[str, Any]) -> dict[str, Any]:
    """Every known key with what is stored of it, None where nothing is known."""
    return {key: said.get(key) for key in FACT_KEYS}
