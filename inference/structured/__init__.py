"""Answers held to a format: llguidance grammars for JSON schemas, regular expressions, choices and calls of tools."""
