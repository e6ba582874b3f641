"""What commands of every package share at a terminal: their options, and how they print tables."""
