"""The gateway's part of the management API: keys and usage, and how a key lets somebody in there."""
