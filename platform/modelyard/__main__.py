"""`python -m modelyard`: the same as `modelyard`."""

from modelyard.cli import main

main()
