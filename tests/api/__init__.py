"""Tests of tracker/api."""
