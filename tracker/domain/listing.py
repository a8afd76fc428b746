"""What is read of a site that is listed: every field tidied and checked, whoever lists it."""

from typing import Any

from tracker.domain.errors import FieldError, Invalid
from tracker.domain.site import (
    CMS,
    CMS_VARIANTS,
    MULTISITE_DECISIONS,
    PACKAGES,
    PLANS,
    PREMIUM_OPTIONS,
    UPSTREAM_CHOICES,
    check_facts,
    read_address,
)
from tracker.domain.text import TextError, read_line

NAME_LENGTH = 200
# A change may leave these out, but not empty them.
NEVER_EMPTY = ("name", "url", "cms", "package", "facts")
CHOICES = {
    "cms": CMS,
    "cms_variant": CMS_VARIANTS,
    "plan": PLANS,
    "package": PACKAGES,
    "premium_option": PREMIUM_OPTIONS,
    "upstream_choice": UPSTREAM_CHOICES,
    "multisite_decision": MULTISITE_DECISIONS,
}
DEFAULTS: dict[str, Any] = {"package": "standard", "premium_option": None, "cms_variant": None, "facts": {}}
# What the requirements list of a site: fixed once they are agreed, changed by a change request only (BR-47).
AGREED_FIELDS = ("name", "url", "package", "premium_option", "cms", "multisite_decision")


def read_values(values: dict[str, Any]) -> dict[str, Any]:
    """Turn what was entered into what is stored. Raises Invalid naming every field that cannot stand."""
    errors: list[FieldError] = []
    read = dict(values)
    for field in ("name", "cms_version"):
        if values.get(field):
            try:
                read[field] = read_line(values[field], NAME_LENGTH)
            except TextError as error:
                errors.append(FieldError(field, str(error)))
    if values.get("url"):
        try:
            address = read_address(values["url"])
            read["url"], read["url_key"] = address.url, address.key
        except Invalid as error:
            errors += error.errors
    empty = [field for field in NEVER_EMPTY if field in read and (read[field] is None or read[field] == "")]
    errors += [FieldError(field, "Fill this in.") for field in empty]
    for field, choices in CHOICES.items():
        if values.get(field) is not None and values[field] not in choices:
            errors.append(FieldError(field, f"Choose one of: {', '.join(choices)}."))
    if errors:
        raise Invalid(errors)
    if "facts" in values:
        read["facts"] = check_facts(values["facts"])
    return read
