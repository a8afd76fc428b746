"""Rules of the project itself: migrations agree, routes are closed, docs are complete."""
