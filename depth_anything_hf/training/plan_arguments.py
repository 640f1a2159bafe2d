# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is planned: the arguments of `plan`, which are its flags; nothing heavy is imported for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..utils.typed_fields import convert_fields, require_ranges
from .devices import HERE


CHECKPOINTING: dict[str, dict[str, bool]] = {
    "none": {},
    "layers": {"gradient_checkpointing": True},
    "images": {"gradient_checkpointing": True, "gradient_checkpointing_by_image": True},
}
RANGES = {
    "[1, inf)": ("processes", "per_device_train_batch_size", "gradient_accumulation_steps"),
    "[0, inf)": ("max_steps",),
    "[0, inf]": ("max_grad_norm",),
    "(0, inf)": ("device_memory", "device_tflops"),
    "(0, 1]": ("utilisation",),
}


@dataclass
class PlanArguments:
    """What is planned; lists are combined in all ways, and the first of each is the run as it is wanted."""

    model: str = field(
        default="small",
        metadata={
            "help": "tiny, small, base, large or giant, or a model's folder or Hub id, of which its shape is read."
        },
    )
    device: str = field(
        default=HERE,
        metadata={"help": "here, a GPU's name such as h100 or rtx-3090, or any name with the next two options."},
    )
    device_memory: float | None = field(default=None, metadata={"help": "GiB of the device."})
    device_tflops: float | None = field(
        default=None, metadata={"help": "Dense teraflop/s of the device in the precision that is planned."}
    )
    utilisation: float = field(
        default=0.35, metadata={"help": "Share of a named device's teraflop/s that a run reaches: an assumption."}
    )
    measure: bool = field(
        default=True, metadata={"help": "On the device here, take two steps in each precision, for the time."}
    )
    input_size: int = field(default=518, metadata={"help": "Side of the training crops, a multiple of 14."})
    per_device_train_batch_size: int = field(default=8, metadata={"help": "Images per process and micro-batch."})
    gradient_accumulation_steps: int = field(default=1, metadata={"help": "Micro-batches per optimizer step."})
    max_steps: int = field(default=0, metadata={"help": "Optimizer steps of the run, for its hours; 0: not shown."})
    processes: int = field(default=1, metadata={"help": "GPUs, each with a copy of the model."})
    sharded: bool = field(default=False, metadata={"help": "Divide the model over the GPUs (FSDP2) instead."})
    encoder_strategy: list[str] = field(
        default_factory=lambda: ["full", "frozen"], metadata={"help": "Encoder strategies, each with this option."}
    )
    mixed_precision: list[str] = field(
        default_factory=lambda: ["no", "bf16"], metadata={"help": "Precisions, each with this option."}
    )
    gradient_checkpointing: list[str] = field(
        default_factory=lambda: ["none", "layers", "images"],
        metadata={"help": "none, layers (--gradient_checkpointing) and images (also ..._by_image), each likewise."},
    )
    optimizer: list[str] = field(
        default_factory=list,
        metadata={"help": "Optimizers, each with this option. Default: adamw and adafactor; if sharded, adamw alone."},
    )
    optimizer_in_backward: bool = field(
        default=False,
        metadata={
            "help": "Update each parameter as soon as its gradient is known, in all ways. Without this option it is "
            "tried only for strategies of which nothing else fits, as smaller micro-batches are."
        },
    )
    max_grad_norm: float = field(
        default=1.0,
        metadata={"help": "Clipping, of matter for the time alone: above 0, optimizer_in_backward computes twice."},
    )

    def __post_init__(self) -> None:
        convert_fields(self)
        self.optimizer = self.optimizer or (["adamw"] if self.sharded else ["adamw", "adafactor"])
        for name in ("encoder_strategy", "mixed_precision", "gradient_checkpointing"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty, expected one value or more")
        if self.input_size < 14 or self.input_size % 14:
            raise ValueError(f"input_size is {self.input_size}, expected a multiple of 14")
        require_ranges(self, RANGES)
        if self.optimizer_in_backward and (self.processes > 1 or self.sharded):
            raise ValueError(
                f"optimizer_in_backward works with one process, but processes is {self.processes} and sharded "
                f"{self.sharded}; leave it or them out"
            )
        unknown = set(self.gradient_checkpointing) - set(CHECKPOINTING)
        if unknown:
            raise ValueError(
                f"gradient_checkpointing is {sorted(unknown)[0]!r}, expected one of {list(CHECKPOINTING)}"
            )


__all__ = ["CHECKPOINTING", "PlanArguments"]
