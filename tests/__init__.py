"""Tests, in the layers of the program they test."""
