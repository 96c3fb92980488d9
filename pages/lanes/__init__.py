"""Lanes: conversations side by side that are asked the same. Comparisons and battles are made of them."""
