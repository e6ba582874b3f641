"""The terminal UI: the roadmap, labs with a live agent, and every run open to inspection."""
