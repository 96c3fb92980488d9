"""What people see in a browser: chat, compare, arena."""
