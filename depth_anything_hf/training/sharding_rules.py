# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What FSDP2 and DeepSpeed ask of a training: its configuration completed, and what they cannot do refused."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .arguments import TrainingArguments
from .encoder_strategy import EncoderStrategy


# Those whose state has a map of the parameter's shape, or a number, and nothing else.
SHARDABLE_OPTIMIZERS = ("adamw", "sgd")


def complete_deepspeed_config(config: dict[str, Any], arguments: TrainingArguments) -> None:
    """Fill in what Accelerate could only learn from a data loader of its own.

    Args:
        config: DeepSpeed's, changed in place.
        arguments: the training arguments.

    Raises:
        ValueError: accumulation or clipping are not those of the arguments.
    """
    for key, name, default in (
        ("gradient_accumulation_steps", "gradient_accumulation_steps", 1),
        ("gradient_clipping", "max_grad_norm", 0.0),
    ):
        value, wanted = config.get(key, default), getattr(arguments, name)
        if value == "auto":
            config[key] = wanted
        elif float(value or 0) != float(wanted):
            raise ValueError(
                f"the DeepSpeed configuration has {key} {value}, but {name} is {wanted}; set both to the same value"
            )
    config["train_micro_batch_size_per_gpu"] = arguments.per_device_train_batch_size


def require_shardable(arguments: TrainingArguments, own_parameters: Collection[str]) -> None:
    """Check that a sharding engine can run a training.

    Args:
        arguments: the training arguments.
        own_parameters: names of the objective's.

    Raises:
        ValueError: an average of the weights, an encoder that is trained later, a decay towards the weights of the
            start, clipping by parts, parameters of the objective, or an optimizer whose state has not the shapes of
            the parameters.
    """
    if arguments.optimizer not in SHARDABLE_OPTIMIZERS:
        raise ValueError(
            f"optimizer is {arguments.optimizer!r}, whose state cannot be divided over processes; expected one of "
            f"{SHARDABLE_OPTIMIZERS}, or train with DDP"
        )
    if arguments.ema_decay is not None:
        raise ValueError("ema_decay needs the full model on each rank; leave it out, or train with DDP")
    if EncoderStrategy.parse(arguments.encoder_strategy).frozen_steps:
        raise ValueError(
            f"encoder_strategy {arguments.encoder_strategy} is not supported for sharded models, whose trained "
            "parameters are fixed when they are divided; train with DDP, or take encoder_strategy full"
        )
    if arguments.weight_decay_to_start > 0:
        raise ValueError("weight_decay_to_start is not supported for sharded models; leave it out, or train with DDP")
    if arguments.max_grad_norm_over != "model":
        raise ValueError(
            f"max_grad_norm_over {arguments.max_grad_norm_over} is not supported for sharded models, whose engine "
            "clips all gradients to one norm; leave it out, or train with DDP"
        )
    if own_parameters:
        raise ValueError(
            f"the objective has parameters of its own ({', '.join(own_parameters)}), which is not supported for "
            "sharded models; train with DDP, or without them: for feature alignment, choose a feature encoder of the "
            "student's width"
        )


__all__ = ["complete_deepspeed_config", "require_shardable"]
