"""Screens, one a file. They hold no HTTP, no model and no file format: see `services`."""
