"""People who chat: with a browser, or many of them by their websockets alone."""
