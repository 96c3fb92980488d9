"""The composition root: settings, URLs, the ASGI and Celery applications, and the commands that run it all."""

__version__ = "0.1.0"
