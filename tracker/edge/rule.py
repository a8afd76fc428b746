"""Every route says who may use it. One that says nothing is closed, and a test fails for it."""

from collections.abc import Callable
from typing import Any, TypeVar

from tracker.domain.access import Permission

View = TypeVar("View", bound=Callable[..., Any])
PUBLIC = "public"


def allow(permission: Permission) -> Callable[[View], View]:
    """Open a route to whoever has a permission."""

    def mark(view: View) -> View:
        view.rule = permission  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """Open a route to everybody, signed in or not."""
    view.rule = PUBLIC  # type: ignore[attr-defined]
    return view


def rule_of(view: Callable[..., Any] | None) -> Permission | str | None:
    """What a view says of itself; None is closed."""
    return getattr(view, "rule", None)
