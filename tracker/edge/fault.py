"""Faults of the machine, in a sentence: a database that is locked, full or away is no reason for a traceback."""

from sqlalchemy.exc import OperationalError, SQLAlchemyError

STATUS = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "edited_meanwhile": 409,
    "guard": 409,
    "budget_exceeded": 409,
    "unlisted_site": 409,
    "resync_exhausted": 409,
    "too_large": 413,
    "invalid": 422,
    "ambiguous_duration": 422,
    "ps_minimum": 422,
    "idempotency_mismatch": 422,
    "unreadable_file": 422,
    "rate_limited": 429,
    "unavailable": 503,
}


# Two people saved the same thing at the same moment, and a unique key let one of them through.
CROSSED = "Somebody else saved the same at the same moment. Nothing was changed; look at it again, then save anew."


def say_database_fault(error: SQLAlchemyError) -> str:
    """One sentence for whoever was just trying to work. Nothing was changed, in every case."""
    text = str(getattr(error, "orig", error)).lower()
    if any(word in text for word in ("locked", "busy", "deadlock", "lock timeout")):
        return "The database is busy with something else. Nothing was changed; try again in a moment."
    if "full" in text or "no space" in text:
        return "The disk of the database is full. Nothing was changed; tell your administrator."
    if "readonly" in text or "read-only" in text:
        return "The database cannot be written. Nothing was changed; tell your administrator."
    if isinstance(error, OperationalError):
        return "The database is away. Nothing was changed; try again in a moment."
    return "The database refused that. Nothing was changed."
