"""Vectors of texts: encode, collect the texts of all requests, batch by length, run the model, pool."""
