"""A chat in a terminal, over the same API that every other client uses."""
