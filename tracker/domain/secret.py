"""Tells whether a text looks like a secret. Secrets are never stored, so such a text is refused where it is typed.

Source: docs/rules/secrets.md, which has a refused and an accepted example of every pattern. A pattern here may refuse
too much rather than too little, as long as the words of a working day pass: notes, paths, addresses, commit ids.
"""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum

SHORTEST_MACHINE_TOKEN = 32
ONE_CHANGE_IN = 4  # Characters. Random tokens change their kind of character about every second one, words hardly ever.


class SecretKind(StrEnum):
    """What a text looks like, in the words of its refusal and of the table in docs/rules/secrets.md."""

    TRACKER = "token of this tracker"
    SLACK = "Slack token"
    GITHUB = "GitHub token"
    SERVICE_KEY = "service key"
    AWS = "AWS key"
    PRIVATE_KEY = "private key"
    ADDRESS = "address with a password"
    PASSWORD = "password"  # noqa: S105 - a word, not a password
    WORDPRESS = "WordPress application password"
    MACHINE = "machine token"

    @property
    def message(self) -> str:
        """The refusal, for the person who wrote the text."""
        article = "an" if self[0] in "aeiouAEIOU" else "a"
        return f"This looks like {article} {self}. Secrets are not kept here: say where it is kept instead."


def find_secret(text: str) -> SecretKind | None:
    """Return what kind of secret a text seems to hold, or None. Linear in the length of the text."""
    return next((kind for kind, looks in LOOKS if looks(text)), None)


def _pattern(expression: str, flags: int = 0) -> Callable[[str], bool]:
    compiled = re.compile(rf"(?<![A-Za-z0-9]){expression}", flags)
    return lambda text: compiled.search(text) is not None


# --- passwords that are named as such --------------------------------------------------------------------------------

# What stands after a name: a separator as in a note, in JSON, in PHP or on a command line, then a value.
VALUE = r"""['"]?[ \t\u00a0]*(?:=>|:=|[:=])[ \t\u00a0]*(?:"(?P<dq>[^"\n]+)"|'(?P<sq>[^'\n]+)'|(?P<bare>[^\s"',;]+))"""
PASSWORD_NAME = re.compile(
    rf"(?:password|passwd|passwort|passwört|kennwort|passphrase|(?<![A-Za-z])(?:db)?pwd?){VALUE}(?P<more>[^\n]{{0,20}})",
    re.IGNORECASE,
)
TOKEN_NAME = re.compile(rf"(?:token|secret|api[-_ ]?key|access[-_ ]?key|bearer){VALUE}", re.IGNORECASE)
BEARER = re.compile(r"\b(?:bearer|basic)[ \t]+(?P<bare>[\w+/.~-]{16,}=*)", re.IGNORECASE)
WP_CONFIG = re.compile(r"""\bdefine\(\s*['"]\w{0,60}?(?:PASSWORD|_KEY|_SALT|SECRET)['"]\s*,\s*['"][^'"\n]{4}""")

# Not the secret but where it is, or that there is none: a path, an address, a variable, a blank, a state.
ELSEWHERE = re.compile(
    r"""[a-z][a-z0-9+-]{1,15}:// | [~.]?/ | \$ | %\w+% | < | \{ | \[ | \( | [*.•…_x-]+$
    | (?:see|none|no|yes|true|false|null|unknown|changed|unchanged|reset|rotated|missing|required|expired|lost|sent
        |done|ok|tbd|open
        |siehe|kein|keins|unbekannt|geändert|fehlt)[.!?)]*$""",
    re.IGNORECASE | re.VERBOSE,
)
SHORTEST_PASSWORD = 4
SHORTEST_NAMED_TOKEN = 8


def _value(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return groups.get("dq") or groups.get("sq") or groups["bare"] or ""


def _names_password(text: str) -> bool:
    return (
        any(_is_password(match) for match in PASSWORD_NAME.finditer(text))
        or any(_is_named_token(_value(match)) for match in (*TOKEN_NAME.finditer(text), *BEARER.finditer(text)))
        or WP_CONFIG.search(text) is not None
    )


def _is_password(match: re.Match[str]) -> bool:
    """A plain word is a password only where nothing follows: "password: the client sends it" is a sentence."""
    value = _value(match)
    if len(value) < SHORTEST_PASSWORD or ELSEWHERE.match(value):
        return False
    alone = re.match(r"""["']?[ \t]*(?:$|[,;|"'])""", match["more"]) is not None
    return alone or match["bare"] is None or re.search(r"[0-9!@#$%^&*+=?_~\\|]", value) is not None


def _is_named_token(value: str) -> bool:
    mixed = re.search(r"[0-9]", value) and re.search(r"[A-Za-z]", value)
    return bool(mixed) and len(value) >= SHORTEST_NAMED_TOKEN and not ELSEWHERE.match(value)


# --- an address that carries its password ----------------------------------------------------------------------------

CREDENTIALS = re.compile(r"://[^\s/@:?#]*:([^\s/@]+)@")


def _is_address_with_password(text: str) -> bool:
    return any(not ELSEWHERE.match(match[1]) for match in CREDENTIALS.finditer(text))


# --- six groups of four ----------------------------------------------------------------------------------------------

GROUPS = re.compile(r"(?<![A-Za-z0-9])(?=((?:[A-Za-z0-9]{4}[ \u00a0]){5}[A-Za-z0-9]{4})(?![A-Za-z0-9]))")
NATURAL_GROUP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
UNNATURAL_GROUPS = 3  # Of six. One application password in a thousand has fewer; "from WP50 till WP62" has two.


def _is_application_password(text: str) -> bool:
    return any(_is_random(match[1]) for match in GROUPS.finditer(text))


def _is_random(groups: str) -> bool:
    """Words and years are not, nor is the fingerprint of a key, which has no small letters."""
    unnatural = sum(not NATURAL_GROUP.fullmatch(group) for group in groups.split())
    return unnatural >= UNNATURAL_GROUPS and groups != groups.upper() and groups != groups.lower()


# --- long tokens of nobody in particular -----------------------------------------------------------------------------

# Long and mixed, and yet no secret: addresses, UUIDs, commit ids, SHA-256 sums, and hashes that are called so.
INNOCENT = re.compile(
    r"""\b[a-z]{2,12}://\S+
    | (?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63})+/\S*
    | (?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])
    | (?<![0-9A-Za-z])(?:[0-9a-f]{40}|[0-9a-f]{64})(?![0-9A-Za-z])
    | \b(?:md5|sha-?[0-9]{0,3}|checksum|integrity|digest|etag|commit)\W{1,3}[\w+/=-]{7,140}""",
    re.IGNORECASE | re.VERBOSE,
)
RUN = re.compile(rf"[A-Za-z0-9+/_=-]{{{SHORTEST_MACHINE_TOKEN},}}")
STRETCH = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.")


def _is_machine_token(text: str) -> bool:
    if WEB_TOKEN.search(text):
        return True
    rest = INNOCENT.sub(" ", text)
    return any(_changes(run) * ONE_CHANGE_IN >= len(run) for run in _runs(rest))


def _runs(text: str) -> Iterator[str]:
    return (match[0] for match in RUN.finditer(text))


def _changes(run: str) -> int:
    """Count where small letters, capitals and digits meet; a capital before small letters is how words begin."""
    parts = re.split(r"[^A-Za-z0-9]+", run)
    return sum(max(0, len(STRETCH.findall(part)) - 1) for part in parts)


LOOKS: tuple[tuple[SecretKind, Callable[[str], bool]], ...] = (
    (SecretKind.TRACKER, _pattern(r"trk_[\w-]{16,}")),
    (SecretKind.SLACK, _pattern(r"(?:xox[abceoprs]|xapp|xwfp)-[\w-]{10,}")),
    (SecretKind.SLACK, _pattern(r"hooks\.slack\.com/(?:services|workflows|triggers)/\S{10,}", re.IGNORECASE)),
    (SecretKind.GITHUB, _pattern(r"(?:gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_\w{22,})")),
    (
        SecretKind.SERVICE_KEY,
        _pattern(r"(?:glpat-[\w-]{20,}|[rs]k_live_\w{16,}|npm_\w{36}|AIza[\w-]{35}|SG\.[\w-]{20,}\.)"),
    ),
    (SecretKind.AWS, _pattern(r"A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])")),
    (SecretKind.PRIVATE_KEY, _pattern(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY|PuTTY-User-Key-File")),
    (SecretKind.ADDRESS, _is_address_with_password),
    (SecretKind.PASSWORD, _names_password),
    (SecretKind.WORDPRESS, _is_application_password),
    (SecretKind.MACHINE, _is_machine_token),
)
