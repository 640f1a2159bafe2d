# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Optimization: parameter groups, learning rates, schedule, and averaged weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .arguments import SCHEDULES, TrainingArguments
from .encoder_strategy import EncoderStrategy


Schedule = Literal["linear", "poly", "cosine", "constant"]

# Tokens and positions are not weights of a map, so decaying them has no justification; tensors of one dimension are
# norms, biases and LayerScale.
WITHOUT_DECAY = ("cls_token", "mask_token", "position_embeddings", "register_tokens")

# The paper's rates are for pretrained weights; random ones hardly move below a fifth of what trains them, 5e-4.
SMALLEST_FROM_RANDOM = 1e-4

# Ends the names of the parameter groups without weight decay.
NO_DECAY = "_no_decay"
FULL = EncoderStrategy("full", "full")

# Of the optimizer's groups: those of this start hold, not the saved ones.
OWN_OPTIONS = ("fused", "initial_lr", "weight_decay", "betas")

POLY_POWER = 0.9  # DepthAnything/Depth-Anything-V2, metric_depth/train.py


@dataclass(frozen=True)
class LearningRates:
    """Peak learning rates of encoder and decoder, and why they are what they are."""

    encoder: float
    decoder: float
    reason: str

    def describe(self, arguments: TrainingArguments) -> str:
        """Return a line of text with the rates that take effect; an encoder that is frozen has none."""
        if EncoderStrategy.parse(arguments.encoder_strategy).kind != "frozen":
            return (
                f"learning rates of {arguments.optimizer}: encoder {self.encoder:g}, decoder {self.decoder:g} "
                f"({self.reason})"
            )
        given, without = arguments.encoder_learning_rate, ""
        if given is not None:
            without = f"; encoder_learning_rate {given:g} has no effect: the encoder is frozen"
        return f"learning rate of {arguments.optimizer}: decoder {self.decoder:g} ({self.reason}){without}"


def choose_learning_rates(
    *, pretrained: bool, encoder: float | None, decoder: float | None, adapters: bool = False, few: bool = False
) -> LearningRates:
    """Return the given rates, or those that fit the initialization.

    A pretrained encoder takes the paper's 5e-6 with ten times as much for the decoder (arXiv 2406.09414, section 7.1).
    A random one learns nothing at those rates; 5e-4 for all parameters is what trains it. Nor do adapters, which begin
    without an effect, and `few` parameters, such as norms or biases alone: they take 5e-4 in place of the encoder's
    rate (BitFit, arXiv 2106.10199, takes 1e-4 to 1e-3 for biases).
    """
    if encoder is not None and decoder is not None:
        reason = "both rates were given"
        if not pretrained and encoder < SMALLEST_FROM_RANDOM:
            reason += f"; warning: random weights hardly learn at {encoder:g}, take 5e-4 for an encoder from scratch"
        return LearningRates(encoder, decoder, reason)
    if pretrained and adapters:
        defaults, reason = (5e-4, 5e-5), "the encoder is pretrained and its adapters are new: the paper's decoder rate"
    elif pretrained and few:
        defaults, reason = (5e-4, 5e-5), "the encoder is pretrained and few of its parameters are trained"
    elif pretrained:
        defaults, reason = (5e-6, 5e-5), "the encoder is pretrained: the paper's rates"
    else:
        defaults, reason = (5e-4, 5e-4), "the encoder starts from random weights: one rate for all parameters"
    if encoder is not None or decoder is not None:
        reason += ", one of them replaced by the given one"
    return LearningRates(
        defaults[0] if encoder is None else encoder, defaults[1] if decoder is None else decoder, reason
    )


def learning_rates_of(arguments: TrainingArguments, *, pretrained: bool, adapters: bool) -> LearningRates:
    """Return the rates of a run; see `choose_learning_rates`.

    Args:
        arguments: give rates and encoder strategy.
        pretrained: whether the encoder is.
        adapters: whether the model has some before the strategy adds any.
    """
    strategy = EncoderStrategy.parse(arguments.encoder_strategy)
    rates = choose_learning_rates(
        pretrained=pretrained,
        encoder=arguments.encoder_learning_rate,
        decoder=arguments.decoder_learning_rate,
        adapters=adapters or strategy.kind == "lora",
        few=strategy.trains_few,
    )
    if not pretrained and strategy.warning():
        reason = f"encoder_strategy {strategy.text} leaves random weights of the encoder as they are, take full"
        rates = replace(rates, reason=f"{rates.reason}; warning: {reason}")
    return rates


def parameter_groups(
    model: nn.Module,
    rates: LearningRates,
    weight_decay: float,
    extra: Mapping[str, Tensor] | None = None,
    strategy: EncoderStrategy = FULL,
) -> list[dict[str, Any]]:
    """Every trainable parameter in exactly one group: encoder or decoder, with decay or without.

    With layer decay the encoder has such groups for each of its parts, at rates of their own.

    Args:
        model: has a `backbone`, and `out_indices` for layer decay; all other parameters count as decoder.
        rates: peak learning rates.
        weight_decay: for matrices and kernels; norms, biases, tokens, positions and LayerScale take none.
        extra: further parameters by name, trained at the decoder's rate, such as those of an objective.
        strategy: of the encoder.

    Raises:
        ValueError: nothing is trainable.
    """
    members: dict[str, list[Tensor]] = {}
    peaks: dict[str, float] = {}
    layers = getattr(model, "out_indices", [0])[-1]
    named: list[tuple[str, Tensor]] = [*model.named_parameters()]
    named += [(f"extra.{name}", parameter) for name, parameter in (extra or {}).items()]
    for name, parameter in named:
        if not parameter.requires_grad:
            continue
        part, peak = "decoder", rates.decoder
        if name.startswith("backbone."):
            part, share = strategy.group_of(name, layers)
            peak = rates.encoder * share
        decays = parameter.ndim > 1 and not name.endswith(WITHOUT_DECAY)
        group = f"{part}{'' if decays else NO_DECAY}"
        members.setdefault(group, []).append(parameter)
        peaks[group] = peak
    if not members:
        raise ValueError(
            "no parameter is trainable: all have requires_grad False; check encoder_strategy and earlier freezing"
        )
    return [
        {
            "name": name,
            "params": parameters,
            "lr": peaks[name],
            "weight_decay": 0.0 if name.endswith(NO_DECAY) else weight_decay,
        }
        for name, parameters in members.items()
    ]


def schedule_factor(step: int, total: int, *, kind: Schedule, warmup: int = 0, decay_share: float = 1.0) -> float:
    """Return the share of the peak learning rate that optimizer step `step` (0-based) takes.

    Args:
        step: steps done so far.
        total: steps of the whole run.
        kind: "linear" to zero; "poly", (1 - progress)^0.9; "cosine" to zero; or "constant".
        warmup: steps of linear rise before that.
        decay_share: the rate falls in this last share of the steps that follow the warm-up and is constant before.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    start = warmup + (total - warmup) * (1 - decay_share)
    progress = min(1.0, max(0.0, (step - start) / max(1.0, total - start)))
    if kind == "linear":
        return 1 - progress
    if kind == "poly":
        return float((1 - progress) ** POLY_POWER)
    if kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if kind == "constant":
        return 1.0
    raise ValueError(f"lr_scheduler_type is {kind!r}, expected one of {SCHEDULES}")


def describe_length(arguments: TrainingArguments, rates: LearningRates, step: int, planned: int, total: int) -> str:
    """Return what another length of a run does to its learning rates; empty for a constant rate.

    Args:
        arguments: give the schedule.
        rates: peak learning rates.
        step: optimizer steps done.
        planned: steps of the whole run that the rates were planned for until then.
        total: those that they are planned for now.
    """
    if arguments.lr_scheduler_type == "constant":
        return ""
    before, after = (
        schedule_factor(
            step,
            steps,
            kind=arguments.lr_scheduler_type,  # type: ignore[arg-type]
            warmup=arguments.warmup_steps,
            decay_share=arguments.lr_decay_share,
        )
        for steps in (planned, total)
    )
    ramp = EncoderStrategy.parse(arguments.encoder_strategy).encoder_ramp(step)
    peaks = {"encoder ": rates.encoder * ramp, "decoder ": rates.decoder}
    if rates.encoder * ramp == rates.decoder:
        peaks = {"": rates.decoder}
    was, becomes = (
        ", ".join(f"{name}{peak * factor:.3g}" for name, peak in peaks.items()) for factor in (before, after)
    )
    jump = "; it had come to its end and jumps up again" if step >= planned and after > before else ""
    return (
        f"learning rate at step {step}: {was} (as planned for {planned} steps) -> {becomes} "
        f"(planned for {total}){jump}"
    )


def make_schedule(
    optimizer: torch.optim.Optimizer,
    total: int,
    *,
    kind: Schedule,
    warmup: int,
    decay_share: float,
    strategy: EncoderStrategy = FULL,
) -> torch.optim.lr_scheduler.LambdaLR:
    """Make a scheduler of `schedule_factor`; it counts optimizer steps, whatever the number of processes.

    The rates of the groups whose names begin with "encoder" also rise as `EncoderStrategy.encoder_ramp` says.
    """

    def factor(step: int) -> float:
        return schedule_factor(step, total, kind=kind, warmup=warmup, decay_share=decay_share)

    def encoder_factor(step: int) -> float:
        return factor(step) * strategy.encoder_ramp(step)

    is_encoder = [str(group.get("name", "")).startswith("encoder") for group in optimizer.param_groups]
    return torch.optim.lr_scheduler.LambdaLR(optimizer, [encoder_factor if each else factor for each in is_encoder])


@contextmanager
def keep_options(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Context manager: a saved state is loaded inside, but the options of this start hold and not the saved ones.

    Those say how the device that they come from computes, and what the run was told then.
    """
    own = [{name: group[name] for name in OWN_OPTIONS if name in group} for group in optimizer.param_groups]
    yield
    for group, options in zip(optimizer.param_groups, own, strict=True):
        group.update(options)


def go_to_step(schedule: torch.optim.lr_scheduler.LambdaLR, optimizer: torch.optim.Optimizer, last_epoch: int) -> None:
    """Set the rates as the schedule has them at a step; it may be planned for another number of steps than before."""
    schedule.last_epoch = last_epoch
    rules = zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
    for group, (peak, factor_of) in zip(optimizer.param_groups, rules, strict=True):
        group["lr"] = peak * factor_of(last_epoch)


class AveragedWeights:
    """An exponential moving average of a model's weights, which starts at those after the first step.

    Unlike `torch.optim.swa_utils.AveragedModel` it never makes the host wait for the device. A skipped step
    counts as one, and so does one that the gradient scaler of fp16 leaves out, which moves the average towards weights
    that stayed as they were.

    Args:
        model: copied.
        decay: average <- decay * average + (1 - decay) * weights, at every step; 0..1.

    Attributes:
        model: has the averaged weights.
        updates: how many there were.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module, leave_out: Tensor) -> None:
        """Move the average towards the weights of `model`.

        Args:
            model: as the one copied.
            leave_out: 1 where the average is to stay as it is, otherwise 0: a float32 scalar on the model's device.
        """
        share = 1 - self.decay if self.updates else 1.0
        weight = share * (1 - leave_out)
        for average, current in zip(self.model.parameters(), model.parameters(), strict=True):
            average.lerp_(current, weight.to(average.dtype))
        self.updates += 1

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Replace the weights of `model` by the average."""
        for average, current in zip(self.model.parameters(), model.parameters(), strict=True):
            current.copy_(average)

    def state_dict(self) -> dict[str, Tensor]:
        """Return a state by the names of `torch.optim.swa_utils.AveragedModel`, whose states can be loaded as well."""
        weights = {f"module.{name}": value for name, value in self.model.state_dict().items()}
        return {"n_averaged": torch.tensor(self.updates), **weights}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load a state; raise RuntimeError if it is of another model."""
        weights = {name.removeprefix("module."): value for name, value in state.items() if name != "n_averaged"}
        self.model.load_state_dict(weights)
        self.updates = int(state["n_averaged"])
