"""Storms: many processes, killed without warning, against a judge that counts. Small ones run with the tests."""
