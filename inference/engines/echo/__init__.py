"""The echo engine: deterministic, without torch; it can be told to be slow, to fail, to hang, to crash."""
