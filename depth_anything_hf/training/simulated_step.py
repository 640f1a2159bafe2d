# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A training step taken with tensors that have sizes but no memory: the bytes that it needs, and its operations.

PyTorch's `FakeTensorMode` takes it, while the bytes that are alive are added up, and the floating-point operations
with them. Which optimizer follows does not matter, so that one step serves all of them.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .activation_checkpointing import recompute_activations
from .adapters import without_wrapper
from .arguments import TrainingArguments
from .distributed import units_to_shard
from .encoder_strategy import train_mode
from .trained_parameters import choose_trained


# As a CPU computes attention, which PyTorch does not count: formula, and of how many tensors it takes the shapes.
ATTENTION: dict[Any, tuple[Any, int]] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (sdpa_flop_count, 3),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: (sdpa_backward_flop_count, 4),
}
AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
# Float32 maps of the images' size that the relative loss of the recipes needs at one time, and that it keeps for the
# backward pass; a test counts them. CutMix takes 5 more, the anchored error 4 more; SILog takes as many.
LOSS_MAPS, KEPT_LOSS_MAPS = 7, 4


@dataclass(frozen=True)
class SimulatedStep:
    """What a micro-batch of a run needs, whichever optimizer follows and how many processes there are.

    Attributes:
        weights: bytes of the trained model.
        parameters: those that are trained, on the meta device.
        frozen: bytes of a teacher and a feature encoder.
        alive: the most bytes that are alive in a forward and a backward pass beside all weights.
        operations: floating-point operations, a multiplication and an addition counted as two.
        sharded: whether the model is divided over the processes by FSDP2.
        largest_unit: bytes of the largest unit that FSDP2 gathers at once.
    """

    weights: int
    parameters: tuple[Tensor, ...]
    frozen: int
    alive: int
    operations: int
    sharded: bool
    largest_unit: int


def simulate_step(
    model: DepthAnythingForDepthEstimation,
    arguments: TrainingArguments,
    size: tuple[int, int],
    *,
    objective: Any = None,
    precision: str = "no",
    sharded: bool = False,
) -> SimulatedStep:
    """Take a step without memory; nothing is computed, on no device.

    Args:
        model: as it is given to `fit`; it may be on the meta device, and is left as it is.
        arguments: batch, accumulation, checkpointing, encoder strategy and `optimizer_in_backward`.
        size: (height, width) of the images.
        objective: a `Distillation`'s teacher and feature encoder count too.
        precision: no, bf16 or fp16.
        sharded: whether the model is divided over processes by FSDP2.
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
    return SimulatedStep(
        weights=weights,
        parameters=tuple(
            torch.empty(each.shape, dtype=each.dtype, device="meta")
            for each in trainee.parameters()
            if each.requires_grad
        ),
        frozen=sum(_bytes(each) for each in (encoder, teacher) if each is not None),
        alive=alive,
        operations=operations,
        sharded=sharded,
        largest_unit=max((_bytes(unit) for unit in units_to_shard(trainee)), default=weights),
    )


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
    """Return a copy of a model whose parameters are fake tensors inside `_fake_tensors`; PyTorch's kernels take these.

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
    return copy.deepcopy(model, tensors)


def _as_opened(teacher: Any) -> Any:
    """Return a model of this package as its configuration says, whatever its layers became, on the meta device."""
    if not isinstance(teacher, DepthAnythingForDepthEstimation):
        return teacher
    with torch.device("meta"):
        twin: Any = DepthAnythingForDepthEstimation(copy.deepcopy(teacher.config))
        return twin.to(teacher.dtype).eval()


def _bytes(model: nn.Module) -> int:
    return sum(map(bytes_of, model.parameters()))


def bytes_of(tensor: Tensor) -> int:
    """Return the bytes of a tensor's elements, also where it has no memory."""
    return tensor.numel() * tensor.element_size()


__all__ = ["LiveBytes", "SimulatedStep", "bytes_of", "simulate_step"]
