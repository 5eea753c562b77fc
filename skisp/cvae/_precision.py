"""Which number format the networks compute in: bfloat16 where the hardware is faster with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["autocast", "has_fast_bfloat16"]


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32 on ``device``.

    On CPUs: where there are matrix tiles (AMX), and on AMD's with AVX512-BF16 (measured: 2.5 times
    as fast). Intel's AVX512-BF16 without tiles is slower than float32 (measured: 1.7 times).
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return _cpu_has_fast_bfloat16(getattr(torch.cpu, "get_capabilities", dict)())


def _cpu_has_fast_bfloat16(capabilities: dict[str, Any]) -> bool:
    is_amd = "AMD" in str(capabilities.get("cpu_name", ""))
    return bool(capabilities.get("amx_bf16") or (is_amd and capabilities.get("avx512_bf16")))


@contextmanager
def autocast(precision: str, device: torch.device) -> Iterator[None]:
    """Compute the networks of the block in ``precision``: "auto", "float32" or "bfloat16"."""
    enabled = precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(device))
    if not enabled:
        yield
        return
    with torch.autocast(device.type, torch.bfloat16):
        try:
            yield
        finally:
            # torch keeps the weights it has cast until the outermost autocast ends, and that may be the caller's.
            torch.clear_autocast_cache()
