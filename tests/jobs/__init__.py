"""Tests of tracker/jobs."""
