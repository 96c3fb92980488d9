"""What engines share that are other servers' processes: to start, watch, relay to, and end one with all it started."""
