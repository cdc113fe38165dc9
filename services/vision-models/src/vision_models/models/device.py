"""Where and in which precision a model runs."""

import platform
from dataclasses import dataclass

import torch

from facetkit.errors import NotReady

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Placement:
    """A device and the precision of weights and activations on it."""

    device: str
    dtype: torch.dtype


def place(device: str, dtype: str) -> Placement:
    """The placement for the settings `device` (auto, cpu, cuda…) and `dtype` (auto, fp32…).

    auto takes bf16 only where the processor computes in it; elsewhere it would be emulated.
    Raises NotReady for a device that this machine does not have.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    _check_present(device)
    chosen = DTYPES[dtype] if dtype != "auto" else _native_dtype(device)
    return Placement(device, chosen)


def _check_present(device: str) -> None:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise NotReady(f"VISION_DEVICE={device} cannot be used on this machine") from error


def _native_dtype(device: str) -> torch.dtype:
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    capabilities = torch.cpu.get_capabilities()
    names = ("avx512_bf16", "amx_bf16") if platform.machine() in ("x86_64", "AMD64") else ("bf16",)
    return torch.bfloat16 if any(capabilities.get(name) for name in names) else torch.float32
