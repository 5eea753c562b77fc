"""The most memory that a process has held."""

import sys
from pathlib import Path

__all__ = ["peak_megabytes"]


def peak_megabytes(process: int | str = "self") -> float:
    """In MB; of another process than this one on Linux only, and 0 where it has ended."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        # What getrusage tells of a new process includes the one that started it.
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(lines[0].split()[1]) / 1024 if lines else 0.0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
