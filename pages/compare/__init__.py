"""One question to several models, their names shown."""
