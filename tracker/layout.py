"""Where templates and migrations lie: at the top level in the repository, inside the package in the wheel."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """The folder `templates` or `migrations`."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
