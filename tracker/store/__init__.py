"""Facts: tables, and named queries with a fixed number of statements."""
