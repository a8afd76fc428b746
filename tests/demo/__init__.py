"""The demo: its story on odd days, and the command as a newcomer runs it."""
