# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory and speed of the devices that a run may be planned for: the one here, and GPUs by their name."""

from __future__ import annotations

from dataclasses import dataclass


HERE = "here"
# GiB that PyTorch sees, and dense teraflop/s in bf16 or fp16 and in float32 without TF32, by the vendors' data sheets.
GPUS: dict[str, tuple[float, float, float]] = {
    "h200": (139.0, 989.0, 67.0),
    "h100": (79.1, 989.0, 67.0),
    "a100-80gb": (79.1, 312.0, 19.5),
    "a100-40gb": (39.4, 312.0, 19.5),
    "l40s": (44.4, 362.0, 91.6),
    "a10": (22.0, 125.0, 31.2),
    "l4": (22.0, 121.0, 30.3),
    "t4": (14.6, 65.0, 8.1),
    "rtx-4090": (23.6, 165.0, 82.6),
    "rtx-3090": (23.6, 71.0, 35.6),
}


@dataclass(frozen=True)
class Device:
    """A device to train on.

    Attributes:
        name: as it is shown.
        memory: bytes that a run may take.
        half, single: floating-point operations a second in bf16 or fp16 and in float32, at most; None if only a
            measurement can tell.
        is_cpu: whether a process's own memory counts too.
    """

    name: str
    memory: int
    half: float | None = None
    single: float | None = None
    is_cpu: bool = False


def find_device(name: str, memory: float | None = None, teraflops: float | None = None) -> Device:
    """Return the device of a name.

    Args:
        name: "here", a key of `GPUS`, or any other name together with the two numbers, which win over the known ones.
        memory: GiB.
        teraflops: teraflop/s at most, in the precision that is planned.

    Raises:
        ValueError: the device is not known and a number is missing.
    """
    rate = None if teraflops is None else teraflops * 1e12
    given = None if memory is None else int(memory * 2**30)
    if name == HERE:
        found = _device_here()
        return Device(found.name, found.memory if given is None else given, rate, rate, found.is_cpu)
    known = GPUS.get(name.lower())
    if known is None:
        missing = [flag for flag, value in (("device_memory", memory), ("device_tflops", teraflops)) if value is None]
        if missing:
            raise ValueError(
                f"device is {name!r}, expected {HERE!r} or one of {list(GPUS)}; for another one give "
                f"{' and '.join(missing)}: its GiB of memory, and the dense teraflop/s of its data sheet in the "
                "precision that is planned"
            )
        assert given is not None
        return Device(name, given, rate, rate)
    size, half, single = known
    return Device(name, int(size * 2**30) if given is None else given, rate or half * 1e12, rate or single * 1e12)


def _device_here() -> Device:
    # Not for the names of GPUs, which the help of a command shows.
    import psutil
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return Device(properties.name, properties.total_memory)
    # What is in use now is not to be had.
    return Device("this CPU", psutil.virtual_memory().available, is_cpu=True)


__all__ = ["GPUS", "HERE", "Device", "find_device"]
