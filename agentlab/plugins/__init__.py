"""What other packages add, found by entry point: see `docs/plugins.md`."""
