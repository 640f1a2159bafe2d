# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory and arithmetic of a training run, on each GPU or in a process on a CPU, predicted without a step.

Weights, gradients and the optimizer's state are counted. What a step needs beside them is found by taking it with
tensors that have sizes but no memory, see `simulated_step`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .arguments import TrainingArguments
from .optimizers import state_bytes
from .simulated_step import SimulatedStep, bytes_of, simulate_step


GIB = 2**30
# What no tensor holds. An assumption, as no GPU was at hand: the CUDA context with its libraries and their workspaces,
# and the share of memory that PyTorch's allocator reserves above what tensors take.
CONTEXT_BYTES = GIB
RESERVE_SHARE = 0.1
# On a CPU, measured with torch 2.13 and transformers 5.23 on Linux (benchmarks/training_memory.py): what the process
# holds beside tensors once it has taken a step, and the share of what a step needs that the C library's heap takes on
# top, where it keeps what is freed and where it gives it back (`training.memory.allocator_for_training`).
PROCESS_BYTES = 555 * 2**20
KEPT_SHARE, RETURNED_SHARE = 0.17, 0.03
# Gathered units of a sharded model at one time: the one in use, the one fetched ahead, and gradients on their way.
GATHERED_UNITS = 3
# Parts of an estimate that are called otherwise in a line of text.
IN_WORDS = {
    "step": "activations",
    "average": "kept weights",
    "frozen": "frozen models",
    "overhead": "overhead and reserve",
}


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on one GPU or in one process, at the moment of a training step at which most are needed.

    Attributes:
        weights: of the trained model.
        gradients: of all trained parameters; none with `optimizer_in_backward`.
        optimizer: its state, e.g. AdamW's two moments.
        average: the average of the weights, with `ema_decay`; and those of the start, with
            `weight_decay_to_start`.
        communication: DistributedDataParallel's buckets, or the gathered units of a sharded model.
        frozen: weights of a teacher and a feature encoder.
        step: activations and all else that is alive with them, for the whole micro-batch.
        overhead: CUDA context and reserve of the allocator, an assumption and not a count; on a CPU the process and
            its heap, as measured.
        operations: floating-point operations of a micro-batch, a multiplication and an addition counted as two; what
            is recomputed counts again, and so does a first pass for the norm of `optimizer_in_backward`. Not among the
            bytes.
    """

    weights: int
    gradients: int
    optimizer: int
    average: int
    communication: int
    frozen: int
    step: int
    overhead: int
    operations: int = 0

    @property
    def total(self) -> int:
        """All bytes."""
        return sum(self.parts().values())

    def parts(self) -> dict[str, int]:
        """Return the bytes by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "operations"}

    def replicated(self) -> MemoryEstimate:
        """Return the same run's with a copy of the model on each of several GPUs instead of one GPU."""
        counted = self.total - self.overhead - self.communication + self.gradients
        return replace(self, communication=self.gradients, overhead=_overhead(counted))

    def largest(self) -> tuple[str, int]:
        """Return what takes most, in words, and its bytes."""
        name, value = max(self.parts().items(), key=lambda each: each[1])
        return IN_WORDS.get(name, name), value

    def __str__(self) -> str:
        parts = [(IN_WORDS.get(name, name), value) for name, value in self.parts().items()]
        shown = ", ".join(f"{name} {value / GIB:.2f}" for name, value in parts if value)
        return f"{self.total / GIB:.1f} GiB ({shown})"


def estimate_memory(
    model: DepthAnythingForDepthEstimation,
    arguments: TrainingArguments,
    size: tuple[int, int],
    *,
    objective: Any = None,
    precision: str = "no",
    processes: int = 1,
    sharded: bool = False,
    on_cpu: bool = False,
) -> MemoryEstimate:
    """Predict what training needs on each GPU; nothing is computed, on no device.

    Args:
        model: as it is given to `fit`; it may be on the meta device, and is left as it is.
        arguments: batch, accumulation, checkpointing, averaging and encoder strategy.
        size: (height, width) of the images.
        objective: a `Distillation`'s teacher and feature encoder count too.
        precision: no, bf16 or fp16.
        processes: how many GPUs there are.
        sharded: whether the model is divided over them by FSDP2, instead of replicated.
        on_cpu: predict the most memory that a process on a CPU holds, instead.
    """
    step = simulate_step(model, arguments, size, objective=objective, precision=precision, sharded=sharded)
    return estimate_around(step, arguments, processes=processes, on_cpu=on_cpu)


def estimate_around(
    simulated: SimulatedStep, arguments: TrainingArguments, *, processes: int = 1, on_cpu: bool = False
) -> MemoryEstimate:
    """Predict what a run needs on each GPU, of which a step has been taken without memory.

    Args:
        simulated: with the same arguments, but for the optimizer and what is kept beside the weights.
        arguments: optimizer, averaging and clipping; else as they were.
        processes: how many GPUs there are.
        on_cpu: predict the most memory that a process on a CPU holds, instead.
    """
    weights, sharded = simulated.weights, simulated.sharded
    trained = sum(map(bytes_of, simulated.parameters))
    state = state_bytes(arguments.optimizer, simulated.parameters)
    divided = processes if sharded else 1
    # Micro-batches before the last one leave whole gradients on each process.
    accumulates = arguments.gradient_accumulation_steps > 1
    gradients = 0 if arguments.optimizer_in_backward else trained // (1 if accumulates else divided)
    communication = trained if processes > 1 and not sharded else 0
    if sharded:
        communication = GATHERED_UNITS * simulated.largest_unit
    average = weights if arguments.ema_decay is not None else 0
    average += trained if arguments.weight_decay_to_start > 0 else 0
    step = simulated.alive if sharded else max(0, simulated.alive - gradients)
    counted = (weights // divided, gradients, state // divided, average, communication, simulated.frozen, step)
    overhead = _overhead(sum(counted))
    if on_cpu:
        share = RETURNED_SHARE if arguments.gradient_checkpointing else KEPT_SHARE
        overhead = PROCESS_BYTES + round(share * (gradients + step))
    # A first pass finds the norm to which the gradients of the second one are clipped.
    passes = 2 if arguments.optimizer_in_backward and arguments.max_grad_norm > 0 else 1
    return MemoryEstimate(*counted, overhead, passes * simulated.operations)


def _overhead(counted: int) -> int:
    return CONTEXT_BYTES + round(RESERVE_SHARE * counted)


__all__ = ["MemoryEstimate", "estimate_around", "estimate_memory"]
