"""Where tests keep converted models: outside the repository, one folder a user, so that a model is converted once."""

import os
import tempfile
from pathlib import Path

CONVERTED = Path(tempfile.gettempdir()) / f"modelyard-test-cache-{os.getuid()}"
