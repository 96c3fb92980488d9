"""The endpoints of the OpenAI format, and those by which machines look after this process."""
