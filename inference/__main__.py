"""`python -m inference`: serve one model."""

from __future__ import annotations

import signal
import sys

# The first thing of all, since an agent may ask for a beat at any moment, and the default is to be killed by it.
signal.signal(signal.SIGUSR1, lambda number, frame: None)

from inference.cli import main  # noqa: E402

sys.exit(main())
