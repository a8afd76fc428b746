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


def takes_up_to(size: int) -> Callable[[View], View]:
    """Let a route be sent more bytes than others, such as a file that is told in rows that it is too long."""

    def mark(view: View) -> View:
        view.takes_up_to = size  # type: ignore[attr-defined]
        return view

    return mark


def size_taken_by(view: Callable[..., Any] | None) -> int | None:
    """How many bytes a view may be sent; None is as many as everywhere."""
    return getattr(view, "takes_up_to", None)


def also_looking(view: View) -> View:
    """Keep a route for whoever looks as a customer does: the ways out, on which they are themselves."""
    view.also_looking = True  # type: ignore[attr-defined]
    return view


def is_way_out(view: Callable[..., Any] | None) -> bool:
    """Whether a route leads out of looking as a customer does."""
    return bool(getattr(view, "also_looking", False))


def rule_of(view: Callable[..., Any] | None) -> Permission | str | None:
    """What a view says of itself; None is closed."""
    return getattr(view, "rule", None)
