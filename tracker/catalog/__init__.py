"""The offering, the known issues and the guided paths as data, version by version, and their loader."""
