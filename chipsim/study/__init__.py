"""Runs and where their solutions are kept."""
