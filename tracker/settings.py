"""Settings from the environment, checked at start: a bad one is one clear line, not a traceback later."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


class BadSetting(Exception):
    """A setting that cannot be used; the message names it."""


@dataclass(frozen=True)
class Settings:
    """What the environment decides. Durations are seconds."""

    instance: Path
    database_url: str
    secret_key: str
    base_url: str
    slack_bot_token: str | None = None
    slack_signing_secret: str | None = None
    slack_app_token: str | None = None
    slack_api_url: str = "https://slack.com/api/"
    slack_proxy: str | None = None
    smtp_url: str | None = None
    slack_timeout: float = 10.0
    lease: float = 120.0
    quiet: float = 60.0
    between_looks: float = 30.0
    pace: float = 1.1
    breaker: float = 300.0
    tick: float = 5.0
    development: bool = False
    # How many proxies of ours stand in front, whose word on who is asking is taken.
    trusted_proxies: int = 0
    # The cost of a password hash: argon2id's own defaults, lowered by tests only.
    password_time_cost: int = 3
    password_memory_kib: int = 65536

    @property
    def secure(self) -> bool:
        """Whether people reach us by https, so that cookies are bound to it."""
        return self.base_url.startswith("https://")

    @property
    def on_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check everything. Raises BadSetting with one line."""
    instance = Path(environ.get("TRACKER_INSTANCE") or "instance").absolute()
    try:
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"TRACKER_INSTANCE: cannot make the folder {instance}: {error.strerror}") from None
    settings = Settings(
        instance=instance,
        database_url=_database(environ, instance),
        secret_key=environ.get("SECRET_KEY") or _kept_secret(instance),
        base_url=_address(environ, "BASE_URL", f"http://127.0.0.1:{environ.get('PORT', '8000')}").rstrip("/"),
        slack_bot_token=_token(environ, "SLACK_BOT_TOKEN", "xoxb-"),
        slack_signing_secret=environ.get("SLACK_SIGNING_SECRET") or None,
        slack_app_token=_token(environ, "SLACK_APP_TOKEN", "xapp-"),
        slack_api_url=_address(environ, "SLACK_API_URL", "https://slack.com/api/").rstrip("/") + "/",
        slack_proxy=environ.get("SLACK_PROXY") or None,
        smtp_url=_smtp(environ),
        slack_timeout=_seconds(environ, "TRACKER_SLACK_TIMEOUT", 10.0),
        lease=_seconds(environ, "TRACKER_LEASE", 120.0),
        quiet=_seconds(environ, "TRACKER_QUIET", 60.0),
        between_looks=_seconds(environ, "TRACKER_BETWEEN_LOOKS", 30.0),
        pace=_seconds(environ, "TRACKER_PACE", 1.1),
        breaker=_seconds(environ, "TRACKER_BREAKER", 300.0),
        tick=_seconds(environ, "TRACKER_TICK", 5.0),
        development=environ.get("TRACKER_DEVELOPMENT") == "1",
        trusted_proxies=_whole(environ, "TRACKER_TRUSTED_PROXIES", 0, least=0),
        password_time_cost=_whole(environ, "TRACKER_PASSWORD_TIME_COST", 3, least=1),
        password_memory_kib=_whole(environ, "TRACKER_PASSWORD_MEMORY_KIB", 65536, least=64),
    )
    if settings.lease <= 2 * settings.slack_timeout:
        raise BadSetting(
            "TRACKER_LEASE: must be more than twice TRACKER_SLACK_TIMEOUT, or a slow answer looks like a lost worker"
        )
    return settings


def _database(environ: Mapping[str, str], instance: Path) -> str:
    text = environ.get("DATABASE_URL") or f"sqlite:///{instance / 'tracker.sqlite'}"
    if text.startswith(("postgres://", "postgresql://")):
        text = "postgresql+psycopg://" + text.partition("://")[2]
    try:
        url = make_url(text)
    except ArgumentError:
        raise BadSetting(
            "DATABASE_URL: not a database address. Write sqlite:////path/file or postgresql://user@host/name"
        ) from None
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise BadSetting(f"DATABASE_URL: {url.drivername} is not supported. Use SQLite or PostgreSQL.")
    if url.drivername == "sqlite" and not url.database:
        raise BadSetting("DATABASE_URL: SQLite needs a file; several processes share it.")
    return text


def _kept_secret(instance: Path) -> str:
    """The secret made at the first start, and kept, so that sessions survive a restart."""
    path = instance / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_text().strip()
        if not kept:
            raise BadSetting(f"SECRET_KEY: {path} is empty. Delete it, and a new one is made.") from None
        return kept
    except OSError as error:
        raise BadSetting(f"SECRET_KEY: cannot keep one in {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        made = secrets.token_hex(32)
        file.write(made)
    return made


def _address(environ: Mapping[str, str], name: str, default: str) -> str:
    text = environ.get(name) or default
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSetting(f"{name}: not a web address: {text}")
    return text


def _token(environ: Mapping[str, str], name: str, prefix: str) -> str | None:
    token = environ.get(name) or None
    if token is not None and not token.startswith(prefix):
        raise BadSetting(f"{name}: such a token begins with {prefix}")
    return token


def _smtp(environ: Mapping[str, str]) -> str | None:
    text = environ.get("SMTP_URL") or None
    if text is not None:
        parts = urlsplit(text)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise BadSetting("SMTP_URL: write it like smtp://user:password@mail.example.com:587?from=tracker@example.com")
    return text


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(environ.get(name) or default)
    except ValueError:
        raise BadSetting(f"{name}: not a number of seconds") from None
    if not 0 < value < 86_400:
        raise BadSetting(f"{name}: not a number of seconds between 0 and a day")
    return value


def _whole(environ: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise BadSetting(f"{name}: not a whole number of at least {least}")
    return int(text)
