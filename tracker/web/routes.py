"""All pages."""

from flask import Flask

from tracker.web import health, sign_in

BLUEPRINTS = (health.bp, sign_in.bp)


def install(app: Flask) -> None:
    """Register every blueprint of pages."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
