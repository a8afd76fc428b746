"""The facts of a site that the catalogue's rules ask about: what each is called, how it is asked, what may be answered.

Nobody guesses a fact: until it is answered it is unknown, and what hangs on it is undecided.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tracker.domain.errors import FieldError, Invalid


@dataclass(frozen=True)
class Fact:
    """One thing to know about a site. `choices` are usual answers with their words; another text may be given."""

    label: str
    question: str
    kind: Literal["yes_no", "choice", "number", "text"]
    choices: Mapping[str, str] = field(default_factory=dict)
    hint: str | None = None
    for_path: bool = False  # asked by the choice of a guided path, not by the scope
    side: Literal["customer", "team"] = "customer"  # who is asked
    cms: Literal["wordpress", "drupal"] | None = None  # of which system it is asked at all


FACTS: Mapping[str, Fact] = {
    "drupal_multisite": Fact(
        "Drupal multisite", "Is this Drupal install a multisite with several site folders?", "yes_no", cms="drupal"
    ),
    "search_provider": Fact(
        "Search",
        "Which engine answers the site's own search?",
        "choice",
        {
            "none": "The CMS's own search",
            "pantheon": "Pantheon Search (Solr)",
            "acquia": "Acquia Search",
            "solr": "A Solr elsewhere",
            "elasticsearch": "Elasticsearch or OpenSearch",
            "algolia": "Algolia or another hosted search",
            "other": "Another one",
        },
    ),
    "has_htaccess_redirects": Fact("Redirects in .htaccess", "Are there redirects in a .htaccess file?", "yes_no"),
    "sends_email": Fact("Sends e-mail", "Does the site send e-mail, such as from forms, orders or password resets?", "yes_no"),
    "uses_php_sessions": Fact(
        "PHP sessions", "Does a plugin or the theme use PHP sessions (session_start)?", "yes_no", cms="wordpress"
    ),
    "cron_need": Fact(
        "Cron",
        "How often do scheduled jobs have to run?",
        "choice",
        {
            "none": "No scheduled jobs matter",
            "hourly": "Hourly is often enough",
            "finer_than_hourly": "More often than hourly",
            "custom_code": "On a schedule that needs code of its own",
        },
    ),
    "certificate": Fact(
        "Certificate",
        "Is the platform's managed certificate enough, or does the site bring its own?",
        "choice",
        {"managed": "Managed by the platform", "custom": "A certificate of the customer's own"},
    ),
    "legacy_blogs_dir": Fact(
        "Legacy blogs.dir", "Does this network keep its uploads in the old blogs.dir layout?", "yes_no", cms="wordpress"
    ),
    "workspace_plan_allows_custom_upstream": Fact(
        "Plan allows a custom upstream", "Does the workspace's plan allow custom upstreams?", "yes_no"
    ),
    "composer_managed": Fact("Built with Composer", "Is the code built with Composer?", "yes_no", for_path=True),
    "archive_mb": Fact(
        "Size of the largest archive",
        "How large is the largest of code, database dump and files archive, in megabytes?",
        "number",
        for_path=True,
    ),
    "plugin_installable": Fact(
        "Plugin can be installed",
        "Can a migration plugin be installed on the source site?",
        "yes_no",
        for_path=True,
        cms="wordpress",
    ),
    "publicly_reachable": Fact(
        "Reachable from the internet", "Can the source site be reached from the internet?", "yes_no", for_path=True
    ),
    "git_history_wanted": Fact("Git history wanted", "Does the Git history have to be kept?", "yes_no", for_path=True),
    "drush_major": Fact(
        "Drush", "Which major version of Drush is on the source? 0 means none.", "number", for_path=True, cms="drupal"
    ),
    "source_host": Fact("Current host", "Who hosts the site today?", "text", for_path=True),
}
FACT_KEYS = tuple(FACTS)

PLAN_NAMES: Mapping[str, str] = {
    "sandbox": "Sandbox",
    "basic": "Basic",
    "performance_s": "Performance S",
    "performance_m": "Performance M",
    "performance_l": "Performance L",
    "performance_xl": "Performance XL",
    "elite": "Elite",
}
UPSTREAM_NAMES: Mapping[str, str] = {
    "default": "The default upstream",
    "nested-docroot-or-composer": "Nested docroot or Composer",
    "custom-or-alternative": "Custom or alternative upstream",
}
# What the scope asks about a site that stands in fields of the site itself.
COLUMN_FACTS: Mapping[str, Fact] = {
    "network": Fact("Network", "Is this WordPress a network (multisite) with several sites?", "yes_no", cms="wordpress"),
    "plan": Fact("Plan", "On which plan will the site run?", "choice", PLAN_NAMES, side="team"),
    "upstream_choice": Fact(
        "Code base", "Which code base fits this site? It is settled at the kick-off.", "choice", UPSTREAM_NAMES, side="team"
    ),
}
EVERY_FACT: Mapping[str, Fact] = {**FACTS, **COLUMN_FACTS}


def say_answer(key: str, value: Any) -> str:
    """What was answered, as people read it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return EVERY_FACT[key].choices.get(str(value), str(value))


YES, NO = frozenset({"yes", "y", "true"}), frozenset({"no", "n", "false"})


def read_answer(key: str, text: str) -> str | bool | int:
    """Read an answer to the question about a fact: the word of a choice or its name, yes or no, a number, a text.

    Raises Invalid at `answer`.
    """
    fact, said = EVERY_FACT[key], text.strip()
    if fact.kind == "yes_no":
        if said.casefold() in YES | NO:
            return said.casefold() in YES
        raise Invalid.at("answer", "Answer yes or no.")
    if fact.kind == "number":
        if said.isascii() and said.isdecimal() and len(said) <= 12:
            return int(said)
        raise Invalid.at("answer", "Answer with a whole number.")
    if fact.kind == "choice":
        for name, words in fact.choices.items():
            if said.casefold() in (name, words.casefold()):
                return name
        raise Invalid.at("answer", f"Choose one of: {', '.join(fact.choices)}.")
    return said


def check_kind(key: str, value: Any) -> Any:
    """The value of a fact, if it is of the fact's kind; an unusual choice may be a text of its own.

    Raises ValueError where a yes-or-no fact is answered otherwise, or a number by what is none.
    """
    kind = FACTS[key].kind
    if value is not None and kind == "yes_no" and not isinstance(value, bool):
        raise ValueError("Answer true or false; null says that nobody knows yet.")
    if value is not None and kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError("Answer with a number; null says that nobody knows yet.")
    if value is not None and kind == "number" and value < 0:
        raise ValueError("Answer with a number from 0; null says that nobody knows yet.")
    return value


def check_columns(said: Mapping[str, Any]) -> dict[str, Any]:
    """The same for what stands in fields of the site itself. Raises Invalid at the fact."""
    errors = []
    for key, value in said.items():
        fact = COLUMN_FACTS[key]
        if value is None or (isinstance(value, bool) if fact.kind == "yes_no" else value in tuple(fact.choices)):
            continue
        wanted = "Answer true or false" if fact.kind == "yes_no" else f"Choose one of: {', '.join(fact.choices)}"
        errors.append(FieldError(f"facts.{key}", f"{wanted}; null says that nobody knows yet."))
    if errors:
        raise Invalid(errors)
    return dict(said)
