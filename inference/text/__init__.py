"""From tokens to text and from messages to prompts. Pure Python: nothing here loads torch."""
