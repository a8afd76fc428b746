"""Reads the files that people send: bytes become rows, or a reason in plain words. No database, no framework."""
