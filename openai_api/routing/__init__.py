"""Which replica answers a request, and when: pure decisions, and `dispatcher.py`, which acts on them."""
