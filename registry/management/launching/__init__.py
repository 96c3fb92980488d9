"""Several models in one command: what was written, which cards each gets, and how it goes."""
