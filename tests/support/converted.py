"""Where tests keep converted models and fonts: outside the repository, one folder a user, so that each is made once."""

import os
import tempfile
from pathlib import Path

CONVERTED = Path(tempfile.gettempdir()) / f"modelyard-test-cache-{os.getuid()}"
