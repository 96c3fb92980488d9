"""The management API under /api/v1: what the admin and the commands can do, for programs."""
