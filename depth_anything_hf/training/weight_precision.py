# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Precision of the trained weights: float32, or bfloat16 by choice; a resumed run keeps what it had.

With bfloat16's 8 bits a weight only moves by an update of at least 2^-9 of its size, and most updates of a pretrained
model are smaller. Mixed precision computes in bfloat16 and keeps the weights in float32.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from safetensors import safe_open
from torch import Tensor, nn

from .distributed import SHARDS_FOLDER


if TYPE_CHECKING:
    from .arguments import TrainingArguments

REDUCED = (torch.bfloat16, torch.float16)
FLOATS = (*REDUCED, torch.float32, torch.float64)
# As safetensors' headers name them.
STORED = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32, "F64": torch.float64}


def set_weight_precision(
    model: nn.Module, accelerator: Accelerator, arguments: TrainingArguments, further: Iterable[Tensor] = ()
) -> str | None:
    """Give trained weights in bfloat16 or float16 float32's precision, or all weights bfloat16 with `pure_bf16`.

    Frozen weights become float32 together with trained ones: without autocast, layers of two precisions do not fit
    together, and adapters merged into weights in bfloat16 would be rounded away. Quantized and sharded weights stay as
    they are.

    Args:
        model: changed in place; its parameters remain the same objects.
        accelerator: the run's `Accelerator`.
        arguments: the training arguments.
        further: parameters of the objective, trained along; with `pure_bf16` they stay as they are.

    Returns:
        What was done, as a line of text; None where nothing had to be.

    Raises:
        ValueError: `pure_bf16` where the launcher's engine or precision does not allow it.
    """
    if arguments.pure_bf16:
        _require_pure_bf16(accelerator)
        sources, target = [each for each in FLOATS if each != torch.bfloat16], torch.bfloat16
    else:
        sources, target = list(REDUCED), torch.float32
    found = _convert_parameters(model.parameters(), sources, target)
    if found:
        _convert_buffers(model, sources, target)
        # That of the whole is written from the weights when they are saved.
        encoder_config = getattr(getattr(model, "config", None), "backbone_config", None)
        if encoder_config is not None:
            encoder_config.dtype = target
    if not arguments.pure_bf16:
        found |= _convert_parameters(further, sources, target)
    if not found:
        return "weights are bfloat16 and stay so (pure_bf16)" if arguments.pure_bf16 else None
    line = f"weights converted from {_names(found)} to {_names([target])} for training"
    if arguments.pure_bf16:
        return f"{line} (pure_bf16)"
    return f"{line}; pure_bf16 keeps them" if found == {torch.bfloat16} else line


def require_same_weight_precision(model: nn.Module, folder: Path) -> None:
    """Check that a checkpoint's trained weights have the precision of this run's: to round or to widen is no resume.

    Args:
        model: as the run trains it, without wrapper.
        folder: the checkpoint's state, as `save_engine_state` writes it. DeepSpeed's, which has float32 weights of its
            own, is not compared.

    Raises:
        ValueError: they have another one.
    """
    trained = {name: each.dtype for name, each in model.named_parameters() if each.requires_grad}
    saved = {name: dtype for name, dtype in _stored_precisions(folder) if name in trained}
    if all(trained[name] == dtype for name, dtype in saved.items()):
        return
    before = set(saved.values())
    if before == {torch.bfloat16}:
        advice = "add pure_bf16 to resume it as it was"
    elif before == {torch.float32}:
        advice = "leave out pure_bf16 to resume it as it was"
    else:
        advice = "runs no longer train in that precision"
    raise ValueError(
        f"{folder.parent} has trained weights in {_names(before)}, this run would train them in "
        f"{_names(set(trained.values()))}; {advice}, or start a new run from its weights (model_name_or_path)"
    )


def _require_pure_bf16(accelerator: Accelerator) -> None:
    if accelerator.mixed_precision == "fp16":
        raise ValueError("pure_bf16 cannot be combined with mixed_precision fp16; use bf16 or no")
    if accelerator.distributed_type == DistributedType.DEEPSPEED:
        raise ValueError("pure_bf16 has no effect with DeepSpeed, which keeps float32 weights; leave it out")
    if accelerator.distributed_type == DistributedType.FSDP and accelerator.mixed_precision != "no":
        raise ValueError(
            f"pure_bf16 cannot be combined with FSDP in mixed precision ({accelerator.mixed_precision}), for which "
            "Accelerate keeps float32 weights; set mixed_precision to no, or leave pure_bf16 out"
        )


def _convert_parameters(
    parameters: Iterable[Tensor], sources: Collection[torch.dtype], target: torch.dtype
) -> set[torch.dtype]:
    """Convert parameters of some precisions, in place; return those that there were."""
    found = set()
    for parameter in parameters:
        # Quantized and sharded tensors are subclasses, which report the precision that they stand for.
        if parameter.dtype in sources and type(parameter.data) is Tensor:
            found.add(parameter.dtype)
            parameter.grad = None
            parameter.data = parameter.data.to(target)
    return found


def _convert_buffers(model: nn.Module, sources: Collection[torch.dtype], target: torch.dtype) -> None:
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.dtype in sources:
                setattr(module, name, buffer.to(target))


def _stored_precisions(folder: Path) -> Iterator[tuple[str, torch.dtype]]:
    """Yield names and precisions of the weights in the state of a checkpoint, from the headers of its files."""
    shards = folder / SHARDS_FOLDER
    files = shards.glob("*.safetensors") if shards.is_dir() else folder.glob("model*.safetensors")
    for file in sorted(files):
        with safe_open(file, framework="pt") as stored:
            for name in stored.keys():  # noqa: SIM118
                dtype = STORED.get(stored.get_slice(name).get_dtype())
                if dtype is not None:
                    yield name.removeprefix("model.") if shards.is_dir() else name, dtype


def _names(dtypes: Collection[torch.dtype]) -> str:
    return " and ".join(str(each).removeprefix("torch.") for each in sorted(dtypes, key=FLOATS.index))


__all__ = ["require_same_weight_precision", "set_weight_precision"]
