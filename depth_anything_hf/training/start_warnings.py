# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a run is warned of before its first step: steps, memory, labels, workers."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType

from ..data.first_labels import describe_useless_labels
from ..data.mixture import Mixture
from ..data.streaming_mixture import StreamingMixture
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.messages import counted
from ..utils.redaction import is_hub_id
from .adapters import without_wrapper
from .arguments import TrainingArguments
from .held_out import HeldOut
from .memory_estimate import GIB, MemoryEstimate, estimate_memory
from .optim import schedule_factor
from .prefetch import usable_workers


# An average of the weights in which those after the first step have a larger share is not the trained model.
LARGEST_SHARE_OF_THE_START = 0.1


def start_warnings(
    model: DepthAnythingForDepthEstimation,
    objective: Any,
    arguments: TrainingArguments,
    data: Any,
    accelerator: Accelerator,
    total_steps: int,
    held_out: HeldOut | None = None,
    fresh: tuple[str, ...] = (),
) -> list[str]:
    """Return all that a run is warned of.

    Args:
        model: as before the engine has prepared it.
        objective: likewise.
        arguments: the training arguments.
        data: of the run.
        accelerator: of the run.
        total_steps: optimizer steps of the whole run.
        held_out: of the run.
        fresh: how the names of parameters begin that start from random weights.
    """
    found = short_run_warnings(arguments, total_steps) + regularization_warnings(arguments)
    found += adapter_warnings(without_wrapper(model).name_or_path, arguments)
    if held_out is not None:
        found += held_out.warnings(data, fresh)
    found += memory_warnings(model, objective, arguments, data, accelerator)
    if accelerator.is_main_process:
        found += label_warnings(data, objective)
    workers = usable_workers(arguments)
    resumes_a_stream = isinstance(data, StreamingMixture) and arguments.resume_from_checkpoint is not None
    if workers < arguments.dataloader_num_workers and not resumes_a_stream:
        found.append(
            f"dataloader_num_workers is {arguments.dataloader_num_workers}, but only {workers} CPU(s) may be used: "
            f"starting {workers}"
        )
    return [f"warning: {each}" for each in found]


def label_warnings(data: Any, objective: Any) -> list[str]:
    """Describe the sources of several whose first samples have no label to learn from; one alone ends the run itself.

    Args:
        data: of the run; only a `Mixture` is looked at, since the samples of a stream are read once.
        objective: see `unusable_labels`.
    """
    return unusable_labels(data, objective) if type(data) is Mixture and len(data.sources) > 1 else []


def unusable_labels(data: Any, objective: Any) -> list[str]:
    """Describe the labels of the sources whose first samples have none that an objective can learn from.

    Args:
        data: of the run.
        objective: one with a teacher, which makes its labels, is not looked at; `valid_range` is that of its labels.
    """
    objective = inspect.unwrap(objective)
    if getattr(objective, "teacher", None) is not None:
        return []
    return describe_useless_labels(data, getattr(objective, "valid_range", None))


def short_run_warnings(arguments: TrainingArguments, total_steps: int) -> list[str]:
    """Say where a run is too short for its warm-up, its patience or its average of the weights.

    Args:
        arguments: the training arguments.
        total_steps: optimizer steps of the whole run.
    """
    found = []
    if arguments.warmup_steps > 0 and total_steps <= arguments.warmup_steps:
        reached = schedule_factor(total_steps - 1, total_steps, kind="constant", warmup=arguments.warmup_steps)
        found.append(
            f"the run has {counted(total_steps, 'step')} and a warm-up of {arguments.warmup_steps}: the learning rate "
            f"reaches {reached:.1%} of its peak; take more steps, or lower warmup_steps"
        )
    patience = arguments.early_stopping_patience
    if patience is not None and total_steps <= patience * arguments.eval_steps:
        found.append(
            f"the run has {counted(total_steps, 'step')}, which is no more than the patience of "
            f"{counted(patience, 'evaluation')}, one every {counted(arguments.eval_steps, 'step')}: it cannot stop "
            "early; lower eval_steps or early_stopping_patience"
        )
    if arguments.ema_decay is not None:
        share = arguments.ema_decay ** (total_steps - 1)
        if share > LARGEST_SHARE_OF_THE_START and total_steps > 1:
            highest = LARGEST_SHARE_OF_THE_START ** (1 / (total_steps - 1))
            advice = f"lower ema_decay (at most {highest:.3f})" if highest > 0.5 else "leave ema_decay out"
            found.append(
                f"ema_decay {arguments.ema_decay} over {counted(total_steps, 'step')}: {share:.0%} of the saved "
                "average are the weights after the first step, so that the model is hardly trained; take more steps, "
                f"or {advice}"
            )
    return found


def regularization_warnings(arguments: TrainingArguments) -> list[str]:
    """Say where an argument has no effect on this run."""
    if arguments.drop_path_rate and arguments.encoder_strategy == "frozen":
        return [
            f"drop_path_rate is {arguments.drop_path_rate:g}, but encoder_strategy frozen trains no layer that it "
            "could regularize; leave it out"
        ]
    return []


def adapter_warnings(base: str | None, arguments: TrainingArguments) -> list[str]:
    """Say where adapters will be pushed that nobody else can open, because the model that they name is not there.

    Args:
        base: the model that the run begins with.
        arguments: the training arguments.
    """
    if arguments.lora_merge or not arguments.push_to_hub or base is None or is_hub_id(base):
        return []
    return [
        f"lora_merge is False, and {base} is a folder of this machine: whoever downloads the adapters has to have it "
        "too; push that model first and start from its Hub id, or merge them (lora_merge True)"
    ]


def predict_memory(
    model: DepthAnythingForDepthEstimation,
    objective: Any,
    arguments: TrainingArguments,
    data: Any,
    precision: str,
    *,
    processes: int = 1,
    sharded: bool = False,
    on_cpu: bool = False,
) -> MemoryEstimate | str:
    """Predict the memory that this run needs on each GPU, or say why it cannot be predicted.

    Args:
        model: before the engine has prepared it.
        objective: of the run.
        arguments: of the run.
        data: its transforms give the size of the images; without one it is the encoder's.
        precision: no, bf16 or fp16.
        processes: how many GPUs there are.
        sharded: whether FSDP2 divides the model over them.
        on_cpu: predict for a process on a CPU instead.
    """
    side = int(without_wrapper(model).config.backbone_config.image_size)
    transforms = getattr(data, "transforms", None) or [None]
    size = getattr(transforms[0], "crop_size", (side, side))
    try:
        return estimate_memory(
            model,
            arguments,
            size,
            objective=objective,
            precision=precision,
            processes=processes,
            sharded=sharded,
            on_cpu=on_cpu,
        )
    except Exception as error:
        # Parts of a user's own may not run without memory; a run does not fail for a prediction.
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        return f"not known ({type(error).__name__}: {reason})"


def predict_for_launch(
    model: DepthAnythingForDepthEstimation,
    objective: Any,
    arguments: TrainingArguments,
    data: Any,
    accelerator: Accelerator,
) -> MemoryEstimate | str:
    """Predict the memory of each GPU for the processes and the engine of this launch; see `predict_memory`."""
    if accelerator.distributed_type == DistributedType.DEEPSPEED:
        return "not known (DeepSpeed divides the model as its configuration says)"
    return predict_memory(
        model,
        objective,
        arguments,
        data,
        accelerator.mixed_precision,
        processes=accelerator.num_processes,
        sharded=accelerator.distributed_type == DistributedType.FSDP,
    )


def memory_warnings(
    model: DepthAnythingForDepthEstimation,
    objective: Any,
    arguments: TrainingArguments,
    data: Any,
    accelerator: Accelerator,
) -> list[str]:
    """Say whether the GPU of the main process is smaller than what the run needs by prediction; arguments as there."""
    if accelerator.device.type != "cuda" or not accelerator.is_main_process:
        return []
    estimate = predict_for_launch(model, objective, arguments, data, accelerator)
    if isinstance(estimate, str):
        return []
    return too_small(estimate, torch.cuda.get_device_properties(accelerator.device).total_memory)


def too_small(estimate: MemoryEstimate, available: int) -> list[str]:
    """Return a warning if a GPU has less than the predicted bytes."""
    if estimate.total <= available:
        return []
    return [
        f"this run needs {estimate} on each GPU by prediction, this one has {available / GIB:.1f} GiB: lower "
        "per_device_train_batch_size and raise gradient_accumulation_steps by the same factor, set "
        "gradient_checkpointing, or divide the model over the GPUs (the launch configuration fsdp2)"
    ]


__all__ = [
    "label_warnings",
    "memory_warnings",
    "predict_for_launch",
    "predict_memory",
    "regularization_warnings",
    "short_run_warnings",
    "start_warnings",
    "too_small",
    "unusable_labels",
]
