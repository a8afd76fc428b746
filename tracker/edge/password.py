"""Passwords: argon2id, reckoned before a transaction begins and never in one."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from flask import current_app

from tracker.domain.errors import Invalid
from tracker.settings import Settings

SHORTEST, LONGEST = 10, 200


def _hasher() -> PasswordHasher:
    settings: Settings = current_app.config["SETTINGS"]
    return PasswordHasher(time_cost=settings.password_time_cost, memory_cost=settings.password_memory_kib)


def hash_password(password: str, field: str = "password") -> str:
    """Raises Invalid at the field for one that is too short or too long."""
    if len(password) < SHORTEST:
        raise Invalid.at(field, f"Use at least {SHORTEST} characters; a few words are easy to remember.")
    if len(password) > LONGEST:
        raise Invalid.at(field, f"Use at most {LONGEST} characters.")
    return _hasher().hash(password)


def password_fits(stored: str | None, password: str) -> bool:
    """Whether it is the one. Somebody without a password, or unknown, takes as long to refuse as anybody else."""
    hasher = _hasher()
    try:
        return hasher.verify(stored or hasher.hash("nobody has this password"), password[:LONGEST]) and stored is not None
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def needs_rehash(stored: str) -> bool:
    """Whether a hash was made with weaker settings than today's."""
    return _hasher().check_needs_rehash(stored)
