"""Use cases: one function each, run inside the transaction that an edge opened."""
