#!/usr/bin/env python
"""The same program as `modelyard`, from a checkout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "platform"))

if __name__ == "__main__":
    from modelyard.cli import main

    main()
