"""Documents that an agent can look things up in: embeddings, parsers, stores, retrieval."""
