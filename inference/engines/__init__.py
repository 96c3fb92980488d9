"""One folder an engine, one line in the registry."""
