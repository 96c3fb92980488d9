"""A long run of mixed requests, and what must hold meanwhile."""
