"""Answers that are being given: they belong to the server, not to a page that may be closed or lose its connection."""
