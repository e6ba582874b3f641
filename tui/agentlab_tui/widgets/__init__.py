"""Widgets, one a file, which talk to their screen by typed messages."""
