"""How fast the program is beside a bare Flask application that does the same work: `make bench`. Never imported by it."""
