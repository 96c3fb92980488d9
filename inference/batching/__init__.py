"""Continuous batching: which tokens of which sequences go through the model in a step. Pure: no tensors, no clock."""
