# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which values training arguments may have: numbers in their ranges, and what cannot be combined."""

from __future__ import annotations

from typing import Any


# What one norm of the gradients is taken over.
NORMS_OVER = ("model", "parts")
# Range, as mathematics writes it -> numbers that lie in it.
RANGES = {
    "[1, inf)": (
        *("per_device_train_batch_size", "gradient_accumulation_steps", "gradient_checkpointing_every"),
        *("logging_steps", "max_skipped_steps", "max_unlabelled_steps", "save_total_limit", "early_stopping_patience"),
        "lora_rank",
    ),
    "[0, inf)": (
        *("encoder_learning_rate", "decoder_learning_rate", "weight_decay", "warmup_steps"),
        *("dataloader_num_workers", "eval_steps", "save_steps", "picture_steps"),
        *("weight_decay_to_start", "early_stopping_threshold", "forgetting_weight"),
    ),
    "[0, inf]": ("max_grad_norm",),
    "(0, inf]": ("max_output",),
    "(0, inf)": ("num_train_epochs",),
    "[0, 1]": ("cutmix_probability", "max_broken_share", "max_zero_share"),
    "[0, 1)": ("adam_beta1", "adam_beta2", "drop_path_rate", "ema_decay"),
    "(0, 1]": ("lr_decay_share",),
    # Of the generators of NumPy.
    "[0, 4294967295]": ("seed",),
}


def check_combinations(arguments: Any) -> None:
    """Raise ValueError if a value of `TrainingArguments` cannot be together with another one."""
    if arguments.optimizer_in_backward and arguments.gradient_accumulation_steps > 1:
        raise ValueError(
            f"optimizer_in_backward frees each gradient at once, but gradient_accumulation_steps is "
            f"{arguments.gradient_accumulation_steps}, which adds them up; leave one of them out"
        )
    if arguments.optimizer_in_backward and arguments.auto_batch:
        raise ValueError("auto_batch may accumulate, which optimizer_in_backward cannot; leave one of them out")
    if arguments.optimizer_in_backward and arguments.mixed_precision == "fp16":
        raise ValueError("optimizer_in_backward cannot be combined with mixed_precision fp16; use bf16 or no")
    if arguments.gradient_checkpointing_by_image and not arguments.gradient_checkpointing:
        raise ValueError("gradient_checkpointing_by_image is set, but gradient_checkpointing is not; set both")
    if arguments.pure_bf16 and arguments.mixed_precision == "fp16":
        raise ValueError("pure_bf16 cannot be combined with mixed_precision fp16; use bf16 or no")
    if arguments.pure_bf16 and arguments.ema_decay is not None:
        raise ValueError(
            "pure_bf16 cannot be combined with ema_decay: steps of an average are too small for bfloat16, which "
            "would round them away; leave one of them out"
        )
    if arguments.pure_bf16 and arguments.weight_decay_to_start > 0:
        raise ValueError(
            "pure_bf16 cannot be combined with weight_decay_to_start: its steps are too small for bfloat16, which "
            "would round them away; leave one of them out"
        )
    if arguments.cutmix_probability > 0 and arguments.per_device_train_batch_size == 1:
        raise ValueError(
            f"cutmix_probability is {arguments.cutmix_probability}, but per_device_train_batch_size is 1: CutMix "
            "mixes the images of a micro-batch; set per_device_train_batch_size to 2 or more, or cutmix_probability "
            "to 0"
        )
    if arguments.max_grad_norm_over not in NORMS_OVER:
        raise ValueError(f"max_grad_norm_over is {arguments.max_grad_norm_over!r}, expected one of {NORMS_OVER}")
    if arguments.max_grad_norm_over != "model" and arguments.optimizer_in_backward:
        raise ValueError(
            f"max_grad_norm_over {arguments.max_grad_norm_over} cannot be combined with optimizer_in_backward, which "
            "clips all gradients to one norm; leave one of them out"
        )
    _check_lora(arguments)
    _check_early_stopping(arguments)


def _check_lora(arguments: Any) -> None:
    if arguments.encoder_strategy == "lora":
        if not arguments.lora_merge and arguments.push_to_hub and arguments.hub_strategy != "end":
            raise ValueError(
                f"lora_merge is False, but hub_strategy is {arguments.hub_strategy!r}, which pushes merged models on "
                "the way; set hub_strategy to 'end', or lora_merge to True"
            )
        return
    unset: dict[str, Any] = {"lora_rank": None, "lora_targets": [], "lora_merge": True}
    for name, default in unset.items():
        if getattr(arguments, name) != default:
            raise ValueError(
                f"{name} is {getattr(arguments, name)}, but encoder_strategy is {arguments.encoder_strategy!r}: it "
                "belongs to encoder_strategy 'lora'; set that, or leave it out"
            )


def _check_early_stopping(arguments: Any) -> None:
    patience, threshold = arguments.early_stopping_patience, arguments.early_stopping_threshold
    if patience is None and threshold > 0:
        raise ValueError(
            f"early_stopping_threshold is {threshold}, but without early_stopping_patience nothing stops early; set "
            "both, or leave it out"
        )
    if patience is not None and arguments.eval_steps < 1:
        raise ValueError(
            f"early_stopping_patience is {patience}, but eval_steps is {arguments.eval_steps}: nothing is evaluated "
            "before the end; set eval_steps to the steps between two evaluations"
        )


__all__ = ["NORMS_OVER", "RANGES", "check_combinations"]
