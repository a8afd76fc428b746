"""Addresses of pages: matched from the first request on, built by a function that is made when it is first needed."""

from collections.abc import Callable

from werkzeug.routing import Rule


class Address(Rule):
    """A rule that leaves the making of its builder for later.

    Werkzeug compiles two builders for each rule when it is added. With some three hundred rules that is most of what
    making an application takes, and a process never builds more than a few dozen addresses.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, *values: object, **named: object) -> tuple[str, str]:
            if not compiled:
                compiled.append(super(Address, self)._compile_builder(append_unknown))
            return compiled[0](rule, *values, **named)

        return build
