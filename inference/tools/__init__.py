"""Calls of tools in the text of an answer: how families of models write them, and finding them. Pure Python."""
