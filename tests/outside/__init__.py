"""Checks against stand-ins that were not written here. Each has a command of its own; none is part of `make test`."""
