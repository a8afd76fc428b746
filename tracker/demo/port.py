"""Looks at a port before anything is made for it: one that is taken is one clear line, not a server that keeps trying."""

import errno
import socket


class PortTaken(Exception):
    """Nothing can be served there; the text says what to do."""


def check_free(host: str, port: int, option: str) -> None:
    """Raises PortTaken where nothing can listen; `option` is the one that names another port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"Port {port} is in use already. Choose another with {option}.") from None
        raise PortTaken(f"Nothing can be served on {host}, port {port}: {error.strerror}.") from None
