# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Memory and arithmetic of a training run, on each GPU or in a process on a CPU, predicted without a step.

Weights, gradients and the optimizer's state are counted. What a step needs beside them is found by taking it with
tensors that have sizes but no memory (PyTorch's `FakeTensorMode`), while the bytes that are alive are added up, and
the floating-point operations with them.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from ..cpu.layers import CPU_HEADS, RoutedConvolution, RoutedLinear
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .activation_checkpointing import recompute_activations
from .adapters import without_wrapper
from .arguments import TrainingArguments
from .distributed import units_to_shard
from .encoder_strategy import train_mode
from .optimizers import state_bytes
from .trained_parameters import choose_trained


GIB = 2**30
# As a CPU computes attention, which PyTorch does not count: formula, and of how many tensors it takes the shapes.
ATTENTION: dict[Any, tuple[Any, int]] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (sdpa_flop_count, 3),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: (sdpa_backward_flop_count, 4),
}
AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
# Float32 maps of the images' size that the relative loss of the recipes needs at one time, and that it keeps for the
# backward pass; a test counts them. CutMix takes 5 more, the anchored error 4 more; SILog takes as many.
LOSS_MAPS, KEPT_LOSS_MAPS = 7, 4
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
            is recomputed counts again. Not among the bytes.
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

    def __str__(self) -> str:
        names = {
            "step": "activations",
            "average": "kept weights",
            "frozen": "frozen models",
            "overhead": "overhead and reserve",
        }
        parts = [(names.get(name, name), value) for name, value in self.parts().items()]
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
    encoder = getattr(objective, "feature_encoder", None)
    online = getattr(objective, "teacher", None)
    teacher = getattr(online, "model", None)
    accumulates = arguments.gradient_accumulation_steps > 1
    plain_teacher = _as_opened(teacher)
    # As the engine converts weights.
    dtype = torch.bfloat16 if arguments.pure_bf16 else torch.float32
    # Adapters cannot be added to fake tensors.
    planned = _without_memory(without_wrapper(model), dtype, device="meta")
    choose_trained(planned, arguments, is_sharding=sharded)
    with _fake_tensors():
        trainee = _without_memory(planned, dtype)
        if arguments.gradient_checkpointing:
            by_image = arguments.gradient_checkpointing_by_image
            recompute_activations(trainee, arguments.gradient_checkpointing_every, by_image=by_image)
        alive, operations = _cost_of_a_step(
            trainee,
            (arguments.per_device_train_batch_size, 3, *size),
            precision,
            keeps_gradients=accumulates and not sharded,
            frees_gradients=sharded or arguments.optimizer_in_backward,
            keeps_casts=not arguments.gradient_checkpointing,
            encoder=None if encoder is None else _without_memory(encoder),
            teacher=None if plain_teacher is None else _without_memory(plain_teacher),
            teacher_precision=precision if getattr(online, "dtype", None) is None else "no",
        )
    weights = _bytes(trainee)
    parameters = [each for each in trainee.parameters() if each.requires_grad]
    trained = sum(map(_bytes_of, parameters))
    state = state_bytes(arguments.optimizer, parameters)
    divided = processes if sharded else 1
    # Micro-batches before the last one leave whole gradients on each process.
    gradients = 0 if arguments.optimizer_in_backward else trained // (1 if accumulates else divided)
    communication = trained if processes > 1 and not sharded else 0
    if sharded:
        communication = GATHERED_UNITS * max((_bytes(unit) for unit in units_to_shard(trainee)), default=weights)
    average = weights if arguments.ema_decay is not None else 0
    average += trained if arguments.weight_decay_to_start > 0 else 0
    frozen = sum(_bytes(each) for each in (encoder, teacher) if each is not None)
    step = alive if sharded else max(0, alive - gradients)
    counted = (weights // divided, gradients, state // divided, average, communication, frozen, step)
    overhead = _overhead(sum(counted))
    if on_cpu:
        share = RETURNED_SHARE if arguments.gradient_checkpointing else KEPT_SHARE
        overhead = PROCESS_BYTES + round(share * (gradients + step))
    return MemoryEstimate(*counted, overhead, operations)


def _cost_of_a_step(
    model: DepthAnythingForDepthEstimation,
    shape: tuple[int, ...],
    precision: str,
    *,
    keeps_gradients: bool,
    frees_gradients: bool,
    keeps_casts: bool,
    encoder: Any,
    teacher: Any,
    teacher_precision: str,
) -> tuple[int, int]:
    """Return the most bytes that are alive in a forward and a backward pass beside all weights, and its operations."""
    train_mode(model)
    with LiveBytes() as live:
        trained = [each for each in model.parameters() if each.requires_grad]
        live.ignore(*model.parameters(), *(each for one in (encoder, teacher) if one for each in one.parameters()))
        for each in trained:
            if keeps_gradients:
                each.grad = torch.empty_like(each)
            if frees_gradients:
                each.register_post_accumulate_grad_hook(_free_gradient)  # type: ignore[no-untyped-call]
        pixels, labels = torch.empty(shape), torch.empty(shape[0], *shape[2:])
        if teacher is not None:
            with torch.no_grad(), _autocast(teacher_precision, keeps_casts):
                labels = teacher(pixel_values=pixels.to(next(teacher.parameters()).dtype)).predicted_depth
        with _autocast(precision, keeps_casts):
            output = model(pixel_values=pixels, output_patch_tokens=encoder is not None)
            loss = _StandInLoss.apply(output.predicted_depth.float())  # type: ignore[no-untyped-call]
            if encoder is not None:
                with torch.no_grad():
                    reference = encoder(pixels).last_hidden_state[:, -output.patch_tokens.shape[1] :]
                if reference.shape == output.patch_tokens.shape:
                    # Its checks look at values, which are not there.
                    loss = loss + (1 - torch.cosine_similarity(output.patch_tokens.float(), reference.float())).mean()
        loss.backward()
        del output, loss, labels
    return live.peak, live.operations


class _StandInLoss(torch.autograd.Function):
    """A scalar that needs and keeps as many maps as a loss over maps does."""

    @staticmethod
    def forward(ctx: Any, prediction: Tensor) -> Tensor:
        needed = [torch.empty_like(prediction) for _ in range(LOSS_MAPS)]
        ctx.save_for_backward(*needed[:KEPT_LOSS_MAPS])
        return prediction.sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return torch.empty_like(ctx.saved_tensors[0])


def _free_gradient(parameter: Tensor) -> None:
    parameter.grad = None


def _autocast(precision: str, keeps_casts: bool) -> torch.autocast:
    enabled = precision in AUTOCAST
    return torch.autocast("cpu", AUTOCAST.get(precision), enabled=enabled, cache_enabled=keeps_casts)


@contextmanager
def _fake_tensors() -> Iterator[None]:
    # It takes a second to import.
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        yield


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of all tensors made while it is active, as long as they live.

    Attributes:
        now: bytes that are alive.
        peak: the most there were.
        operations: floating-point operations of those that PyTorch's `FlopCounterMode` counts. (That mode itself would
            keep tensors alive.)
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = self.operations = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count what it made."""
        result = function(*args, **(kwargs or {}))
        self.operations += _operations_of(function._overloadpacket, args, kwargs or {}, result)
        for each in tree_leaves(result):
            if isinstance(each, Tensor):
                self._count(each)
        return result

    def ignore(self, *tensors: Tensor) -> None:
        """Do not count these, nor their views."""
        for each in tensors:
            self._sizes[each.untyped_storage()._cdata] = 0

    def _count(self, tensor: Tensor) -> None:
        # Views share a storage.
        storage = tensor.untyped_storage()
        if storage._cdata in self._sizes:
            return
        self._sizes[storage._cdata] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, storage._cdata)

    def _forget(self, key: int) -> None:
        self.now -= self._sizes.pop(key, 0)


def _operations_of(operation: Any, args: Any, kwargs: Any, result: Any) -> int:
    if operation in ATTENTION:
        formula, tensors = ATTENTION[operation]
        return int(formula(*(each.shape for each in args[:tensors])))
    count = flop_registry.get(operation)
    return 0 if count is None else int(count(*args, **kwargs, out_val=result))


def _without_memory(model: Any, dtype: torch.dtype | None = None, device: str = "cpu") -> Any:
    """Return a copy of a model that computes as on a GPU; its parameters are fake tensors inside `_fake_tensors`.

    Args:
        model: a module.
        dtype: of the floating-point parameters; None keeps their own.
        device: of the copy; on "meta" it has no memory anywhere, but cannot compute.
    """
    tensors: dict[int, Any] = {}
    for each in model.parameters():
        own = dtype if dtype is not None and each.is_floating_point() else each.dtype
        empty = torch.empty(each.shape, dtype=own, device=device)
        tensors[id(each)] = nn.Parameter(empty, requires_grad=each.requires_grad)
    for each in model.buffers():
        tensors[id(each)] = torch.empty(each.shape, dtype=each.dtype, device=device)
    twin = copy.deepcopy(model, tensors)
    for module in twin.modules():
        # Kernels for CPUs are chosen by measurement, which means nothing here.
        if isinstance(module, RoutedLinear):
            module.__class__ = nn.Linear  # type: ignore[assignment]
        elif isinstance(module, RoutedConvolution):
            module.__class__ = nn.Conv2d  # type: ignore[assignment]
        if getattr(getattr(module, "config", None), "_attn_implementation", None) == CPU_HEADS:
            # Fused attention, which does not keep the attention weights.
            module.config._attn_implementation = "sdpa"
    return twin


def _as_opened(teacher: Any) -> Any:
    """Return a model of this package without what it has prepared to predict faster, on the meta device."""
    if not isinstance(teacher, DepthAnythingForDepthEstimation):
        return teacher
    with torch.device("meta"):
        twin: Any = DepthAnythingForDepthEstimation(copy.deepcopy(teacher.config))
        return twin.to(teacher.dtype).eval()


def _overhead(counted: int) -> int:
    return CONTEXT_BYTES + round(RESERVE_SHARE * counted)


def _bytes(model: nn.Module) -> int:
    return sum(map(_bytes_of, model.parameters()))


def _bytes_of(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


__all__ = ["LiveBytes", "MemoryEstimate", "estimate_memory"]
