"""Tests of tracker/slack."""
