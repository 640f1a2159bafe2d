# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Sharded models: precision, the wrap policy, whole weights, and how the engine's state is saved and loaded."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed.checkpoint
from accelerate import Accelerator
from accelerate.utils import FullyShardedDataParallelPlugin, extract_model_from_parallel
from torch import Tensor, nn
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel


# The module does not list what it exports, as type checkers want it to.
distributed_checkpoint: Any = torch.distributed.checkpoint

# Sharded state: safetensors of all processes here, and beside it what is the same on all of them.
SHARDS_FOLDER = "shards"
COMMON_FILE = "optimizer_common.pt"


def is_sharded(model: nn.Module) -> bool:
    """Return whether the parameters are divided over processes (FSDP2), so that every use of them is a collective."""
    return any(isinstance(parameter, DTensor) for parameter in model.parameters())


def local_part(tensor: Tensor) -> Tensor:
    """Return the part of a sharded tensor that this process holds, in the same memory; any other tensor itself."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def units_to_shard(model: nn.Module) -> list[nn.Module]:
    """Return the modules that are gathered and freed as one: those whose class is in `_no_split_modules`.

    For Depth Anything these are the encoder's layers, the neck and the head; the rest, embeddings and the last norm,
    belongs to the root. Names in the list that the model does not have, of the other kind of encoder, do no harm.
    """
    # An instance adds the lists of its parts, which differ between versions of transformers.
    names = set(type(model)._no_split_modules or ()) if isinstance(model, PreTrainedModel) else set()
    return [module for module in model.modules() if type(module).__name__ in names]


def sharding_precision() -> MixedPrecisionPolicy:
    """Return the precision in which FSDP2 keeps, gathers and reduces: float32, as with DDP, whatever the run's is.

    Layers compute in the run's precision by autocast, which leaves norms, the sum of the residuals and the last layers
    in float32. Accelerate's own policy for bf16 rounds weights and all that goes from one unit to the next to bfloat16
    and sums the gradients of all processes in it.
    """
    return MixedPrecisionPolicy(reduce_dtype=torch.float32)


def fsdp_plugin() -> FullyShardedDataParallelPlugin | None:
    """Return Accelerate's FSDP2 plugin with `sharding_precision`; None where the launcher does not ask for FSDP2.

    Raises:
        ValueError: parameters are to be kept on the CPU.
    """
    wants_fsdp = os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    if not wants_fsdp or os.environ.get("FSDP_VERSION") != "2":
        return None
    # The rest comes from the environment.
    plugin = FullyShardedDataParallelPlugin(mixed_precision_policy=sharding_precision())
    if isinstance(plugin.cpu_offload, CPUOffloadPolicy):
        # `Engine.normalize_gradients` multiplies gradients by a number on the GPU, which those on a CPU cannot be.
        raise ValueError(
            "fsdp_offload_params is true, but parameters, gradients and optimizer state kept on the CPU are not "
            "supported; set it to false in the accelerate configuration, and see `depth-anything-hf plan` for what "
            "else saves memory"
        )
    return plugin


def shard_model(model: nn.Module, mesh: DeviceMesh | None = None) -> nn.Module:
    """Shard a model's parameters over processes by torch's `fully_shard`, first `units_to_shard`, then the rest.

    Accelerate does the same by configuration on accelerators (`recipes/accelerate/fsdp2.yaml`), but not on a
    CPU; this function needs an initialized process group and no Accelerate. Frozen parameters are sharded too.

    Args:
        model: changed in place; an optimizer must be made afterwards.
        mesh: the processes to divide over; None takes all.

    Returns:
        The same model.
    """
    for unit in units_to_shard(model):
        _make_contiguous(unit)
        fully_shard(unit, mesh=mesh, mp_policy=sharding_precision())
    _make_contiguous(model)
    fully_shard(model, mesh=mesh, mp_policy=sharding_precision())
    return model


def _make_contiguous(module: nn.Module) -> None:
    """Make parameters contiguous: torch refuses to shard those of another memory order, such as channels last."""
    for parameter in module.parameters():
        if not isinstance(parameter, DTensor):
            parameter.data = parameter.data.contiguous()


def consolidated_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """Return the whole weights on the CPU of the main process; every process must call it.

    Args:
        model: plain, sharded by FSDP2, or wrapped by DDP, `torch.compile` or DeepSpeed (stages 1 and 2).

    Returns:
        In-memory names without any wrapper's prefix, for `model.save_pretrained(folder, state_dict=...)`, which
        turns them into the names of stock files. Empty on all processes but the main one.
    """
    return _full_state_dict(model, torch.device("cpu"), keep=_process_index() == 0)


def gathered_copy(model: nn.Module) -> PreTrainedModel:
    """Return a model that each process can run by itself, for evaluation; every process must call it.

    A sharded model can only run when all processes run it the same number of times, which uneven shares of images do
    not give.

    Args:
        model: as in `consolidated_state_dict`.

    Returns:
        A frozen copy with the whole weights on the model's device if it is sharded, else the unwrapped model itself.
    """
    unwrapped = cast(PreTrainedModel, extract_model_from_parallel(model, keep_torch_compile=False))
    if not is_sharded(unwrapped):
        return unwrapped
    weights = _full_state_dict(unwrapped, next(unwrapped.parameters()).device, keep=True)
    # `fully_shard` puts a class of its own before the model's.
    plain_class = cast(
        type[PreTrainedModel], next(each for each in type(unwrapped).__mro__ if not issubclass(each, FSDPModule))
    )
    with torch.device("meta"):
        copy: PreTrainedModel = plain_class(unwrapped.config)
    copy.load_state_dict(weights, assign=True)
    copy.requires_grad_(False)
    copy.eval()  # type: ignore[no-untyped-call]
    return copy


def _full_state_dict(model: nn.Module, device: torch.device, keep: bool) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for name, value in extract_model_from_parallel(model, keep_torch_compile=False).state_dict().items():
        # One tensor at a time, so that the device never holds the whole model only to pass it on.
        whole = value.full_tensor() if isinstance(value, DTensor) else value
        if keep:
            state[name] = whole.detach().to(device)
    return state


def _process_index() -> int:
    return torch.distributed.get_rank() if torch.distributed.is_initialized() else 0


def save_engine_state(
    accelerator: Accelerator, model: nn.Module, optimizer: torch.optim.Optimizer, folder: str | Path
) -> None:
    """Write weights, optimizer and loss scaler as the engine holds them; every process must call it.

    When it returns, the files of all processes are complete.

    A model that is not sharded, and DeepSpeed's, are saved by Accelerate. Of a sharded model every process writes its
    own part as safetensors through torch's distributed checkpoints. Torch's usual file format is not used, because its
    index is a pickle, which can run code when it is opened.

    Args:
        accelerator: the run's `Accelerator`.
        model: as it came from `accelerator.prepare` or `shard_model`.
        optimizer: over the parameters of that model.
        folder: must not hold an older state; on several machines it lies on a file system that all of them see.
    """
    folder = Path(folder)
    if not is_sharded(model):
        accelerator.save_state(str(folder))
    else:
        _save_shards(accelerator, model, optimizer, folder)
    # safetensors writes under temporary names, which a process that looks into the folder must not meet.
    accelerator.wait_for_everyone()


def _save_shards(accelerator: Accelerator, model: nn.Module, optimizer: torch.optim.Optimizer, folder: Path) -> None:
    # A folder that exists on one machine may not be seen by another yet; each makes sure of its own view.
    (folder / SHARDS_FOLDER).mkdir(parents=True, exist_ok=True)
    engine = _unwrapped_optimizer(optimizer)
    sharded, common = _split_optimizer_state(engine)
    writer = distributed_checkpoint.HuggingFaceStorageWriter(str(folder / SHARDS_FOLDER), save_distributed=True)
    distributed_checkpoint.save({**_model_entries(model), **sharded}, storage_writer=writer)
    if accelerator.is_main_process:
        scaler = accelerator.scaler.state_dict() if accelerator.scaler is not None else None
        torch.save({**common, "scaler": scaler}, folder / COMMON_FILE)


def load_engine_state(
    accelerator: Accelerator, model: nn.Module, optimizer: torch.optim.Optimizer, folder: str | Path
) -> None:
    """Restore what `save_engine_state` wrote; every process must call it.

    A sharded state opens with any number of processes, and also for a model that is not sharded. Nothing in the folder
    is unpickled without torch's `weights_only`, save for DeepSpeed's own files.

    Args:
        accelerator: the run's `Accelerator`.
        model: like the one that was saved.
        optimizer: like the one that was saved.
        folder: as given to `save_engine_state`.

    Raises:
        ValueError: the state was written without sharding and the model is sharded.
        FileNotFoundError: a file of the state is missing.
    """
    folder = Path(folder)
    if not (folder / SHARDS_FOLDER).is_dir():
        if is_sharded(model):
            raise ValueError(
                f"{folder} was saved without sharding, but this run shards the model; resume "
                "without sharding, or start a new run from the weights of the checkpoint"
            )
        accelerator.load_state(str(folder))
        return
    engine = _unwrapped_optimizer(optimizer)
    reader = distributed_checkpoint.HuggingFaceStorageReader(str(folder / SHARDS_FOLDER))
    entries = reader.read_metadata().state_dict_metadata
    shapes = {name: entry.size for name, entry in entries.items() if isinstance(entry, TensorStorageMetadata)}
    common = torch.load(folder / COMMON_FILE, map_location="cpu", weights_only=True)
    moments = _empty_moments(engine, shapes)
    with warnings.catch_warnings():
        # One process may resume what several have saved.
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        # Filled in place: the entries of the model are its own parameters.
        distributed_checkpoint.load({**_model_entries(model), **moments}, storage_reader=reader)
    state: dict[int, dict[str, Any]] = {index: dict(values) for index, values in common["scalars"].items()}
    for name, value in moments.items():
        _, index, key = name.split(".", 2)
        state.setdefault(int(index), {})[key] = value
    engine.load_state_dict({"state": state, "param_groups": common["param_groups"]})
    if accelerator.scaler is not None and common["scaler"] is not None:
        accelerator.scaler.load_state_dict(common["scaler"])


def _unwrapped_optimizer(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    return getattr(optimizer, "optimizer", optimizer)


def _model_entries(model: nn.Module) -> dict[str, Tensor]:
    state = extract_model_from_parallel(model, keep_torch_compile=False).state_dict()
    return {f"model.{name}": value for name, value in state.items()}


def _split_optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the maps as large as parameters, named optimizer.<index>.<key>; and the rest, equal on all processes."""
    whole = optimizer.state_dict()
    large: dict[str, Tensor] = {}
    scalars: dict[int, dict[str, Any]] = {}
    for index, values in whole["state"].items():
        scalars[index] = {}
        for key, value in values.items():
            if isinstance(value, Tensor) and value.ndim > 0:
                large[f"optimizer.{index}.{key}"] = value
            else:
                scalars[index][key] = value
    return large, {"scalars": scalars, "param_groups": whole["param_groups"]}


def _empty_moments(optimizer: torch.optim.Optimizer, shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    """Return tensors to load the optimizer's state into, divided over the processes like their parameters."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        part, index, *_ = name.split(".")
        if part == "optimizer":
            parameter = parameters[int(index)]
            if parameter.shape != shape:
                raise ValueError(
                    f"the saved state {name} has shape {tuple(shape)}, but parameter {index} of the optimizer has "
                    f"{tuple(parameter.shape)}; the checkpoint is of another model or other trained parameters"
                )
            moments[name] = torch.zeros_like(parameter, requires_grad=False)
    return moments


__all__ = [
    "consolidated_state_dict",
    "fsdp_plugin",
    "gathered_copy",
    "is_sharded",
    "load_engine_state",
    "local_part",
    "save_engine_state",
    "shard_model",
    "sharding_precision",
    "units_to_shard",
]
