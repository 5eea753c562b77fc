"""What other processes need so that they run the skisp that is tested, installed or not."""

import os
from pathlib import Path

import skisp

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(skisp.__file__).parent.parent)}
