"""Battles of two models, votes, and the ratings that follow from them."""
