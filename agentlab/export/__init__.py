"""Runs, taken elsewhere: OpenTelemetry spans, chat-format JSONL for training, a page to share."""
