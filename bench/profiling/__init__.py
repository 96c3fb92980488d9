"""Where the time of a step goes, timed from outside: the loop itself has no line for it."""
