# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The engine: model, optimizer, schedule and averaged weights, on one process or many."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import Tensor, nn

from ..models.compilation import compile_blocks
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from .activation_checkpointing import recompute_activations
from .adapters import without_wrapper
from .arguments import TrainingArguments
from .backward_update import backward_update
from .clipping import clip
from .distributed import is_sharded, load_engine_state, local_part, save_engine_state
from .drop_path import set_drop_path
from .encoder_strategy import EncoderStrategy, train_mode
from .encoder_warmup import EncoderWarmup
from .lora import remove_adapters
from .objective_parts import ObjectiveParts
from .objectives import require_fitting_model
from .optim import NO_DECAY, AveragedWeights, LearningRates, go_to_step, keep_options, make_schedule, parameter_groups
from .optimizers import make_optimizer
from .processes import autocast
from .sharding_rules import complete_deepspeed_config, require_shardable
from .start_decay import start_decay
from .terms import as_terms, checked_images
from .trained_parameters import choose_trained
from .weight_precision import require_same_weight_precision, set_weight_precision


# Returns a mapping with "loss", a scalar with a graph, and further terms: scalars, or numbers of Python or NumPy.
Objective = Callable[[nn.Module, dict[str, Any], float], Mapping[str, Any]]
SHARDED = (DistributedType.FSDP, DistributedType.DEEPSPEED)


class Engine:
    """A model and its objective, prepared by Accelerate, with all that an optimizer step changes.

    Args:
        accelerator: decides device, precision and how processes work together.
        model: changed in place; with adapters of peft, these and the decoder are trained.
        objective: its own parameters are trained along, see `ObjectiveParts`.
        arguments: see `TrainingArguments`.
        rates: peak learning rates.
        total_steps: optimizer steps of the whole run.
        fresh: how the names of parameters begin that start from random weights.

    Attributes:
        model, optimizer: as Accelerate prepared them.
        parts: what the objective is made of.
        part_norms: of the last gradients of encoder and decoder, by their names in the log; see `clipping.clip`.
        decides_on_device: whether `step` skips a step without a host sync.
        trained: which parameters of the model are.
        weight_precision: a message about the weights' precision, or None.

    Raises:
        ValueError: an objective or an argument that does not fit the model, its adapters or a sharding engine.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        model: DepthAnythingForDepthEstimation,
        objective: Objective,
        arguments: TrainingArguments,
        rates: LearningRates,
        total_steps: int,
        *,
        fresh: tuple[str, ...] = (),
    ) -> None:
        self.accelerator, self.objective, self.arguments, self.rates = accelerator, objective, arguments, rates
        model = without_wrapper(model)
        require_fitting_model(objective, model)
        is_sharding = accelerator.distributed_type in SHARDED
        strategy = EncoderStrategy.parse(arguments.encoder_strategy)
        strategy.require_steps(total_steps)
        self.trained = choose_trained(model, arguments, is_sharding=is_sharding)
        set_drop_path(model, arguments.drop_path_rate)
        if arguments.gradient_checkpointing:
            every, by_image = arguments.gradient_checkpointing_every, arguments.gradient_checkpointing_by_image
            recompute_activations(model, every, by_image=by_image)
        self.parts = ObjectiveParts(objective, model)
        self.parts.to(accelerator.device)
        self.parts.broadcast(accelerator)
        self.weight_precision = set_weight_precision(model, accelerator, arguments, self.parts.trained.values())
        if is_sharding:
            require_shardable(arguments, self.parts.trained)
            if accelerator.distributed_type == DistributedType.DEEPSPEED:
                complete_deepspeed_config(accelerator.state.deepspeed_plugin.deepspeed_config, arguments)
        else:
            # The decoder's maps are channels last in memory; weights of the same order save a conversion at every
            # step. Sharding wants them contiguous.
            nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if arguments.torch_compile:
            compile_blocks(model, accelerator.device)
        groups = parameter_groups(model, rates, arguments.weight_decay, self.parts.trained, strategy)
        optimizer = make_optimizer(groups, arguments, accelerator.device)
        # The scaler of fp16 reads its scale at every step, and sharded parameters do not mix with a plain number.
        is_plain = not is_sharding and accelerator.scaler is None
        self.decides_on_device = is_plain and bool(optimizer.defaults.get("fused"))
        self.schedule = make_schedule(
            optimizer,
            total_steps,
            kind=arguments.lr_scheduler_type,  # type: ignore[arg-type]
            warmup=arguments.warmup_steps,
            decay_share=arguments.lr_decay_share,
            strategy=strategy,
        )
        self._warmup = EncoderWarmup(model, strategy)
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        # FSDP clips by its own way if it is given exactly the parameters of its model.
        self._clipped = [*self.model.parameters(), *self.parts.trained.values()]
        self._in_backward = backward_update(
            accelerator, optimizer, self._clipped, arguments, on_device=self.decides_on_device
        )
        self.part_norms: dict[str, Tensor] = {}
        self._start = start_decay(self.raw_model, self.optimizer.param_groups, arguments, fresh)
        self._has_begun = False
        # Of the open step: images that count of each micro-batch, images in all, and whether none counts.
        self._counted, self._images = list[Tensor](), 0
        self._is_without_label: Tensor | None = None
        decay = arguments.ema_decay
        self._average = None if decay is None else AveragedWeights(self.raw_model, decay)

    @property
    def raw_model(self) -> Any:
        """Trained model without any wrapper."""
        return self.accelerator.unwrap_model(self.model, keep_torch_compile=False)

    @property
    def published_model(self) -> Any:
        """Model whose weights are evaluated and saved: their average where one is kept."""
        return self._average.model if self._average is not None else self.raw_model

    def describe(self) -> list[str]:
        """Return what is trained, at which rates and on what device, as lines of text; a warning comes first."""
        accelerator = self.accelerator
        return [
            *([f"warning: {self.trained.warning}"] if self.trained.warning else []),
            *([self.weight_precision] if self.weight_precision else []),
            *self.parts.describe(),
            f"training {self.trained} on {accelerator.device}, precision {accelerator.mixed_precision}",
            self.rates.describe(self.arguments),
        ]

    def train_mode(self) -> None:
        """Put the model into training mode, its frozen parts in evaluation mode; see `encoder_strategy.train_mode`."""
        self.model.train()
        train_mode(self.raw_model)

    def accumulate(self, batch: dict[str, Any], progress: float, step: int) -> dict[str, Tensor]:
        """Add the gradients of a micro-batch, and return its loss and terms without graph.

        The objective's loss is a mean over the images that count, "images" of them (without this entry, all). Its
        gradients are added as the sum over these images divided by the size of the micro-batch;
        `normalize_gradients` makes them the mean over all images of the step that count.

        Args:
            batch: on the device, with "name" of each image.
            progress: share of the run that is done, 0..1.
            step: number of the optimizer step, from 1: names errors, and decides whether the encoder is trained yet.

        Raises:
            ValueError: the objective refuses the batch; the message names step and images.
        """
        if self._warmup.ends_before(step):
            self.model = self._warmup.end(self.accelerator, self.model)
            self.train_mode()
        with self.accelerator.accumulate(self.model):
            try:
                if self._in_backward is not None and self._in_backward.needs_norm:
                    with self._in_backward.measure():
                        torch.autograd.backward(self.terms(batch, progress)["loss"])
                terms = self.terms(batch, progress)
            except ValueError as error:
                # Losses know an image by its place in the batch only.
                raise ValueError(f"step {step}, images {batch['name']}: {error}") from error
            loss = self._at_nominal_scale(terms, len(batch["name"]))
            if self._in_backward is None:
                self.accelerator.backward(loss)
            else:
                # Of the one micro-batch the loss is the mean over the images that count.
                is_useless = (self._counted[-1] == 0) | ~torch.isfinite(terms["loss"].detach())
                with self._in_backward.update(is_useless.float()):
                    torch.autograd.backward(terms["loss"])
        return {name: value.detach() for name, value in terms.items()}

    def terms(self, batch: dict[str, Any], progress: float) -> dict[str, Tensor]:
        """Return the objective's loss and terms for a micro-batch.

        Raises:
            ValueError: the objective refuses the batch. An output that is not finite is no error but a loss of NaN,
                since all processes have to take part in the backward pass to leave the step out together.
        """
        if self.accelerator.device.type != "cpu":
            return self._terms(batch, progress)
        # There, and only there, losses refuse an output that is not finite. The model keeps no hook: it is the user's.
        outputs: list[Tensor] = []
        hook = self.model.register_forward_hook(lambda module, inputs, output: outputs.append(output.predicted_depth))
        try:
            return self._terms(batch, progress)
        except ValueError:
            if not outputs or torch.isfinite(outputs[-1]).all():
                raise
            return {"loss": outputs[-1].sum() * math.nan}
        finally:
            hook.remove()

    def _terms(self, batch: dict[str, Any], progress: float) -> dict[str, Tensor]:
        with autocast(self.accelerator):
            returned = self.objective(self.model, batch, progress)
        terms = as_terms(returned, self.accelerator.device, self.objective)
        if "images" in terms:
            may_look = not self._has_begun or self.accelerator.device.type == "cpu"
            size = len(batch["name"])
            terms["images"] = checked_images(terms["images"], size, self.objective, may_look=may_look)
        if not self._has_begun and self.accelerator.distributed_type not in SHARDED:
            groups = self.optimizer.param_groups
            self.parts.require_all_trained(terms["loss"], {id(each) for group in groups for each in group["params"]})
        self._has_begun = True
        return terms

    def _at_nominal_scale(self, terms: dict[str, Tensor], size: int) -> Tensor:
        """Return the loss times the share of the images that count, and keep their number for the step."""
        loss, self._images = terms["loss"], self._images + size
        if "images" not in terms:
            self._counted.append(torch.full_like(loss.detach(), float(size), dtype=torch.float32))
            return loss
        counted = terms["images"]
        self._counted.append(counted)
        if self.accelerator.distributed_type == DistributedType.DEEPSPEED:
            # It takes the step within its backward pass, so that only this micro-batch can be known, of all processes.
            of_all = self.accelerator.reduce(counted.clone(), reduction="sum")
            loss = loss * (counted * self.accelerator.num_processes / of_all.clamp(min=1))
        else:
            # Exactly 1 where all images count.
            loss = loss * (counted / size)
        return loss

    def normalize_gradients(self) -> Tensor:
        """Make the gradients the mean over all images of the step that count, over micro-batches and processes.

        They do not depend on how the step is divided, and stay as they are, bit for bit, where every image counts. To
        be called once, after the last micro-batch of a step and before `clip_gradients`.

        Returns:
            How many images count, of all processes, a float32 scalar on the device. `step` leaves the step out if that
            is 0.
        """
        counted: Tensor = self.accelerator.reduce(torch.stack(self._counted).sum(), reduction="sum")
        images = self._images * self.accelerator.num_processes
        self._counted, self._images = [], 0
        self._is_without_label = (counted == 0).float()
        if self.accelerator.distributed_type == DistributedType.DEEPSPEED:
            return counted
        factor = images / counted.clamp(min=1)
        # Without a look at the factor, for which a GPU would have to wait.
        gradients = [local_part(each.grad) for each in self._clipped if each.grad is not None]
        if gradients:
            torch._foreach_mul_(gradients, factor)
        return counted

    def clip_gradients(self) -> Tensor:
        """Clip the gradients and return their norm before, the same on all processes.

        DeepSpeed may not tell its norm, which then is 0. With `optimizer_in_backward` that has been done.
        """
        if self._in_backward is not None:
            return self._in_backward.norm()
        self.parts.average_gradients(self.accelerator)
        whole, self.part_norms = clip(self.accelerator, self._clipped, self.optimizer.param_groups, self.arguments)
        return whole

    def take_back(self, steps: int) -> bool:
        """Forget the gradients, and the last steps, all of which were skipped.

        Returns:
            False where DeepSpeed has used the gradients already.
        """
        self.optimizer.zero_grad()
        self._counted, self._images = [], 0
        if steps:
            # Once more to the step before, for the rates that belong to it.
            self.schedule.last_epoch -= steps + 1
            self.schedule.step()
            if self._average is not None:
                self._average.updates -= steps
        return bool(self.accelerator.distributed_type != DistributedType.DEEPSPEED)

    @property
    def loss_scale(self) -> float | None:
        """Scale of the loss for gradients in fp16; None where it is not scaled.

        A gradient that overflows is the scaler's business: it leaves the step out and lowers the scale.
        """
        return None if self.accelerator.scaler is None else self.accelerator.scaler.get_scale()

    def step(self, leave_out: Tensor) -> None:
        """Take an optimizer step, or leave weights and optimizer state as they are; the schedule always advances.

        A step without an image that counts is left out too, as momentum and weight decay would move the weights all
        the same. DeepSpeed has taken it by then.

        Args:
            leave_out: 1 or 0, a float32 scalar on the device, the same on all processes.

        Raises:
            FloatingPointError: a step is to be skipped that DeepSpeed has taken already.
        """
        if self._is_without_label is not None and self.accelerator.distributed_type != DistributedType.DEEPSPEED:
            leave_out = torch.maximum(leave_out, self._is_without_label)
        if self._in_backward is not None:
            pass  # It has been taken, or left out.
        elif self.decides_on_device:
            # What a gradient scaler tells a fused optimizer: where it is 1, nothing changes.
            self.optimizer.optimizer.found_inf = leave_out
        elif leave_out.item():
            if self.accelerator.distributed_type == DistributedType.DEEPSPEED:
                raise FloatingPointError(
                    "loss or gradient is not finite, and DeepSpeed has taken the step; resume from the last checkpoint"
                )
            # Without gradients the step below changes nothing, and a gradient scaler keeps its books.
            self.optimizer.zero_grad()
        if self._in_backward is None:
            self.optimizer.step()
        self.optimizer.zero_grad()
        if self._start is not None and not (self.accelerator.scaler is not None and self.optimizer.step_was_skipped):
            self._start.pull(self.optimizer.param_groups, leave_out)
        self.schedule.step()
        if self._average is not None:
            self._average.update(self.raw_model, leave_out)

    def publish_weights(self) -> None:
        """Give the trained model the averaged weights where they are kept; nothing can be trained afterwards."""
        if self._average is not None:
            self._average.copy_to(self.raw_model)

    def open_published(self, folder: Path) -> None:
        """Give the trained model the weights of a saved one, unless it is sharded, which serves a training only."""
        if not is_sharded(self.raw_model):
            if EncoderStrategy.parse(self.arguments.encoder_strategy).kind == "lora":
                remove_adapters(self.raw_model, merge=False)
            saved = DepthAnythingForDepthEstimation.from_pretrained(folder, dtype=self.raw_model.dtype)
            self.raw_model.load_state_dict(saved.state_dict())

    def learning_rates(self) -> dict[str, float]:
        """Return the current rates by group; groups that differ in weight decay only share one."""
        return {group["name"].removesuffix(NO_DECAY): group["lr"] for group in self.optimizer.param_groups}

    def logged_values(self) -> dict[str, float]:
        """Return the learning rates, and the loss scale if there is one, by their names in the log."""
        scale = {} if self.loss_scale is None else {"loss_scale": self.loss_scale}
        return {f"learning_rate_{name}": rate for name, rate in self.learning_rates().items()} | scale

    def save(self, folder: Path) -> dict[str, Any]:
        """Write weights, optimizer and scaler; every process must call it.

        Returns:
            The rest of the state, the same on all processes, for `load`.
        """
        save_engine_state(self.accelerator, self.model, self.optimizer, folder)
        self.parts.save(folder, self.accelerator)
        if self._start is not None:
            self._start.save(folder, self.accelerator)
        return {
            "schedule": {"last_epoch": self.schedule.last_epoch},
            "average": self._average.state_dict() if self._average is not None else None,
        }

    def load(self, folder: Path, rest: dict[str, Any], step: int) -> None:
        """Restore what `save` wrote when `step` optimizer steps were done.

        Raises:
            ValueError: its weights have another precision, or it is of another objective.
        """
        require_same_weight_precision(self.raw_model, folder)
        self.parts.load(folder, self.accelerator)
        if self._start is not None:
            self._start.load(folder)
        with keep_options(self.optimizer):
            load_engine_state(self.accelerator, self.model, self.optimizer, folder)
        # Micro-batches per step may have changed, and a step begins with the first.
        self.accelerator.step = step * self.arguments.gradient_accumulation_steps
        go_to_step(self.schedule, self.optimizer, rest["schedule"]["last_epoch"])
        if self._average is not None and rest["average"] is not None:
            self._average.load_state_dict(rest["average"])


__all__ = ["Engine", "Objective"]
