"""What this machine and this code can do: figures, never tests."""
