"""The facts: tables and queries, on a real database."""
