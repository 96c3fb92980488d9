"""Conversations with one model at a time."""
