# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Devices of this machine: which there are, which one is taken, whether a chosen one is there; the precision there."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..utils.environment import environment_number
from ..utils.option_errors import OptionError


if TYPE_CHECKING:
    import torch

# Tensors there have shapes and no values.
WITHOUT_VALUES = "meta"
LONGEST_REASON = 100
# In `torch/version.py`: the accelerators that PyTorch was built for.
BUILT_FOR = re.compile(r"^(cuda|hip|xpu)\b[^=\n]*=(?! *None)", re.MULTILINE)


def runs_on_cpu(device: str | int | torch.device | None) -> bool:
    """Return whether a device is the CPU; PyTorch is imported only if it must be asked.

    Args:
        device: None is this process's own.

    Raises:
        OptionError: see `usable_device`.
    """
    if str(device) == "cpu" or (device is None and "torch" not in sys.modules and _is_built_for_cpus()):
        return True
    return usable_device(device).type == "cpu"


def check_device(device: str | None) -> None:
    """Check a device before anything takes long, without waiting for PyTorch where it is clear.

    Raises:
        OptionError: see `usable_device`.
    """
    if device not in (None, "cpu"):
        usable_device(device)


def _is_built_for_cpus() -> bool:
    found = find_spec("torch")
    if sys.platform == "darwin" or found is None or found.origin is None:
        return False
    try:
        return BUILT_FOR.search(Path(found.origin).with_name("version.py").read_text(encoding="utf-8")) is None
    except OSError:
        return False


def default_device() -> torch.device:
    """Return this process's CUDA device (by `LOCAL_RANK` or `SLURM_LOCALID`), else Apple's GPU, else the CPU."""
    import torch

    if torch.cuda.is_available():
        # Slurm may show each of its processes one GPU only, whatever their number.
        under_slurm = environment_number("SLURM_LOCALID") % torch.cuda.device_count()
        return torch.device("cuda", environment_number("LOCAL_RANK", default=under_slurm))
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def available_devices() -> list[str]:
    """Name the devices that are here, as `usable_device` takes them: cpu, cuda:0, ..."""
    import torch

    names = ["cpu"]
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if accelerator is not None:
        count = torch.accelerator.device_count()
        names += [accelerator.type] if accelerator.type == "mps" else [f"{accelerator.type}:{n}" for n in range(count)]
    return names


def usable_device(device: str | int | torch.device | None) -> torch.device:
    """Return a device by its name, or by its number among the accelerators; None: this process's own.

    Raises:
        OptionError: no such kind of device, or none of it is here; the message lists those that are.
    """
    if device is None:
        return default_device()
    import torch

    reason = ""
    try:
        if isinstance(device, bool):
            raise TypeError
        # A command has numbers as text.
        chosen = torch.device(int(device) if isinstance(device, str) and device.isdecimal() else device)
        if chosen.type != WITHOUT_VALUES and not (chosen.type == "cpu" and chosen.index):
            # Only an allocation shows whether PyTorch can use it.
            torch.empty(0, device=chosen)
            return chosen
    except (RuntimeError, AssertionError, TypeError, ValueError, ImportError) as error:
        # In this order: an unknown name, or a kind without a kernel; a kind that PyTorch was built without; no name or
        # number; a number beyond 64 bits; a kind whose package is not there (hpu).
        # PyTorch goes on with lists of all kinds of devices that there are in the world.
        first = str(error).split("\n", 1)[0].split(". ", 1)[0].rstrip(".")
        reason = f" (PyTorch: {first})" if 0 < len(first) <= LONGEST_REASON and "aten::" not in first else ""
    shown = str(device) if isinstance(device, torch.device) else device
    raise OptionError(
        f"device {shown!r} cannot be used{reason}; expected one of: {', '.join(available_devices())} (see also: "
        "depth-anything-hf env)"
    )


def autocast_dtype(model_dtype: torch.dtype, wanted: torch.dtype | None) -> torch.dtype | None:
    """Return the precision of autocast that runs a model in the wanted one; None where none is needed.

    Raises:
        ValueError: autocast does not lead from the one to the other.
    """
    if wanted is None or wanted == model_dtype:
        return None
    import torch

    from ..models.loading import dtype_name

    if model_dtype != torch.float32 or wanted not in (torch.bfloat16, torch.float16):
        raise ValueError(
            f"a {dtype_name(model_dtype)} model cannot run in {dtype_name(wanted)} by autocast; "
            "convert it first, e.g. model.float()"
        )
    return wanted
