"""Any model of the transformers library through its own forward, over a cache of ours."""
