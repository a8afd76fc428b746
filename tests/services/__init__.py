"""Tests of tracker/services."""
