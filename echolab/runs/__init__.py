"""Runs: planned from a request, executed on an engine, kept in folders, replayed."""
