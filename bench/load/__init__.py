"""A client that loads OpenAI-compatible servers and costs little of the machine they run on."""
