"""What somebody looks for: words, each of which has to be found, and where they stand in what was found."""

import re
from collections.abc import Iterable

from tracker.domain.catalogue import Catalogue
from tracker.domain.known_issue import KnownIssue
from tracker.domain.runbook import Runbook

SHORTEST = 3
LONGEST = 200
# From here on a sign is a syllable or a word: two of them say as much as a Latin word does.
WORD_SIGNS = "\u2e80"


def is_enough(text: str) -> bool:
    """Whether a text is long enough to be looked for."""
    said = text.strip()
    return len(said) >= (2 if any(sign >= WORD_SIGNS for sign in said) else SHORTEST)


def marked(text: str, words: Iterable[str]) -> list[tuple[str, bool]]:
    """A text in pieces, each with whether it is one of the words, however capitalised."""
    sought = [re.escape(word) for word in sorted(set(words), key=len, reverse=True) if word]
    if not sought:
        return [(text, False)]
    pieces = re.split(f"({'|'.join(sought)})", text, flags=re.IGNORECASE)
    return [(piece, index % 2 == 1) for index, piece in enumerate(pieces) if piece]


def issue_texts(catalogue: Catalogue) -> list[tuple[KnownIssue, str]]:
    """The known incompatibilities with what is searched of each: name, slugs and summary, casefolded."""
    found = catalogue.known_issues.issues
    return [(each, " ".join((each.name, each.slug, *each.other_slugs, each.summary)).casefold()) for each in found]


def path_texts(catalogue: Catalogue) -> list[tuple[Runbook, str]]:
    """The guided paths with what is searched of each: title, when it fits, and its steps' titles, casefolded."""
    found = catalogue.runbooks.runbooks
    return [(each, " ".join((each.title, *each.when, *(step.title for step in each.steps))).casefold()) for each in found]
