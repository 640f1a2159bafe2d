# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The one training loop: `TrainingArguments`, `fit`, checkpoints that are models, and exact resume."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration, ProjectConfiguration, gather_object, set_seed
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import PreTrainedModel

from .checkpoints import (
    STATE_FILE,
    drop_log_after,
    find_checkpoint,
    list_checkpoints,
    replaced_folder,
    write_atomically,
)
from .data.mixing import GlobalBatchSampler, Mixture, collate
from .data.transforms import cutmix
from .evaluation import EvaluationResult, EvaluationSettings, LabelledDataset, evaluate
from .hub import write_model_card
from .inference import DepthPredictor
from .metrics import METRICS
from .modeling_depth_anything import DepthAnythingForDepthEstimation
from .optimization import (
    apply_encoder_strategy,
    choose_learning_rates,
    make_schedule,
    parameter_groups,
)
from .training_arguments import MAY_CHANGE_ON_RESUME, TrainingArguments


logger = logging.getLogger(__name__)

Objective = Callable[[nn.Module, dict[str, Any], float], dict[str, Tensor]]
ARGUMENTS_FILE = "training_arguments.json"
LOG_FILE = "log.jsonl"
# Fields of the configuration that make it another model, beside those of the encoder.
MODEL_KEYS = ("fusion_hidden_size", "head_hidden_size", "neck_hidden_sizes", "depth_estimation_type", "max_depth")


@dataclass
class Evaluation:
    """A held-out labelled dataset and the protocol it is scored by."""

    dataset: LabelledDataset
    settings: EvaluationSettings = field(default_factory=EvaluationSettings)
    batch_size: int = 8


@dataclass
class FitResult:
    """What a run leaves behind: where the model is, the last and the best evaluation, and the steps done."""

    output_dir: Path
    steps: int
    metrics: dict[str, float]
    best_metrics: dict[str, float]


@dataclass
class Progress:
    """The part of a run's state that is neither weights nor optimiser."""

    step: int = 0
    best_value: float | None = None
    best_metrics: dict[str, float] = field(default_factory=dict)


def fit(
    model: DepthAnythingForDepthEstimation,
    objective: Objective,
    arguments: TrainingArguments,
    train_data: Mixture,
    *,
    processor: Any,
    pretrained: bool,
    evaluation: Evaluation | None = None,
    card: dict[str, Any] | None = None,
) -> FitResult:
    """Trains a model; started by `accelerate launch`, the same code runs on any number of processes.

    Args:
        model: a [`DepthAnythingForDepthEstimation`].
        objective: (model, batch, progress 0..1) -> {"loss": scalar, named terms}; see `objectives`.
        arguments: see [`TrainingArguments`].
        train_data: the samples; each depends on (seed, epoch, position) alone.
        processor: the image processor, saved beside the weights.
        pretrained: whether the encoder is; decides the learning rates that were not given.
        evaluation: a held-out set, scored every `eval_steps` and at the end; the best model is kept in `best/`.
        card: further content of the model card; see `hub.write_model_card`.

    Returns:
        The folder, which holds the final model, and the last and best scores.

    Raises:
        ValueError: the folder holds another run, the checkpoint another model, or the arguments do not fit.
        FloatingPointError: the loss is not finite, or the output left its bounds.
    """
    return _Run(model, objective, arguments, train_data, processor, pretrained, evaluation, card or {}).run()


class _Run:
    """One call of `fit`: prepares everything once, then loops."""

    def __init__(
        self,
        model: DepthAnythingForDepthEstimation,
        objective: Objective,
        arguments: TrainingArguments,
        train_data: Mixture,
        processor: Any,
        pretrained: bool,
        evaluation: Evaluation | None,
        card: dict[str, Any],
    ) -> None:
        self.arguments, self.train_data, self.processor = arguments, train_data, processor
        self.evaluation, self.card, self.objective = evaluation, card, objective
        self.folder = Path(arguments.output_dir)
        self.accelerator = Accelerator(
            mixed_precision=arguments.mixed_precision,
            gradient_accumulation_steps=arguments.gradient_accumulation_steps,
            log_with=None if arguments.report_to == "none" else arguments.report_to,
            project_config=ProjectConfiguration(project_dir=str(self.folder), logging_dir=str(self.folder / "logs")),
            dataloader_config=DataLoaderConfiguration(non_blocking=True),
        )
        set_seed(arguments.seed)
        self.total_steps = self._count_steps()
        self.progress = Progress()
        self.resume_folder = self._claim_folder()

        warning = apply_encoder_strategy(model, arguments.encoder_strategy)
        if warning:
            self.say(f"warning: {warning}")
        if arguments.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        self.rates = choose_learning_rates(
            pretrained=pretrained, encoder=arguments.encoder_learning_rate, decoder=arguments.decoder_learning_rate
        )
        self._prepare(model)

    def say(self, text: str) -> None:
        """Prints on the main process, above a progress bar."""
        if self.accelerator.is_main_process:
            tqdm.write(text)

    def _count_steps(self) -> int:
        arguments = self.arguments
        if arguments.max_steps > 0:
            return arguments.max_steps
        per_step = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
        return max(
            1,
            math.ceil(arguments.num_train_epochs * len(self.train_data) / (per_step * self.accelerator.num_processes)),
        )

    def _claim_folder(self) -> Path | None:
        """Checks that the folder is free or holds this run; returns the checkpoint to go on from."""
        record_path = self.folder / ARGUMENTS_FILE
        record = asdict(self.arguments)
        resume_folder = find_checkpoint(self.folder, self.arguments.resume_from_checkpoint)
        if record_path.exists():
            earlier = json.loads(record_path.read_text())
            changed = [
                name for name in record if earlier.get(name) != record[name] and name not in MAY_CHANGE_ON_RESUME
            ]
            if changed:
                details = ", ".join(f"{name}: {earlier.get(name)} -> {record[name]}" for name in changed)
                raise ValueError(
                    f"{self.folder} holds another run, whose arguments differ ({details}); choose another output_dir"
                )
            if self.arguments.resume_from_checkpoint is None:
                raise ValueError(
                    f"{self.folder} already holds this run; add --resume_from_checkpoint latest to go on, or choose "
                    "another output_dir"
                )
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(record_path, json.dumps(record, indent=2) + "\n")
        return resume_folder

    def _prepare(self, model: DepthAnythingForDepthEstimation) -> None:
        arguments, accelerator = self.arguments, self.accelerator
        # The decoder's maps are channels last in memory; weights of the same order save a conversion at every step.
        nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
        projector = getattr(self.objective, "projector", None)
        groups = parameter_groups(model, self.rates, arguments.weight_decay, extra=projector)
        optimizer = torch.optim.AdamW(
            groups,
            betas=(arguments.adam_beta1, arguments.adam_beta2),
            fused=accelerator.device.type in ("cuda", "cpu"),
        )
        self.schedule = make_schedule(
            optimizer,
            self.total_steps,
            kind=arguments.lr_scheduler_type,  # type: ignore[arg-type]
            warmup=arguments.warmup_steps,
            decay_share=arguments.lr_decay_share,
        )
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        if projector is not None:
            self.objective.projector = accelerator.prepare(projector)  # type: ignore[attr-defined]
        if hasattr(self.objective, "to"):
            self.objective.to(accelerator.device)
        self.average: AveragedModel | None = None
        if arguments.ema_decay is not None:
            average = get_ema_multi_avg_fn(arguments.ema_decay)
            self.average = AveragedModel(accelerator.unwrap_model(self.model), multi_avg_fn=average)

    # -- the loop ----------------------------------------------------------------------------------------------------

    def run(self) -> FitResult:
        arguments, accelerator = self.arguments, self.accelerator
        if self.resume_folder is not None:
            self._load(self.resume_folder)
        if accelerator.is_main_process:
            drop_log_after(self.folder / LOG_FILE, self.progress.step)
        self._introduce()
        if arguments.report_to != "none":
            accelerator.init_trackers("depth_anything_hf", config=_flat(asdict(arguments)))
        batches = self._batches()
        bar = tqdm(
            total=self.total_steps,
            initial=self.progress.step,
            desc="train",
            disable=not accelerator.is_main_process,
            dynamic_ncols=True,
        )
        window: list[dict[str, Tensor]] = []
        window_start = time.perf_counter()
        last_result: EvaluationResult | None = None
        self.model.train()
        while self.progress.step < self.total_steps:
            window += self._step(batches)
            self.progress.step += 1
            step = self.progress.step
            bar.update()
            if step % arguments.logging_steps == 0 or step == self.total_steps:
                images = len(window) * arguments.per_device_train_batch_size * accelerator.num_processes
                self._log(window, images / (time.perf_counter() - window_start), bar)
                window, window_start = [], time.perf_counter()
            last_result = None
            if self.evaluation and (self._is_due(arguments.eval_steps) or step == self.total_steps):
                last_result = self._evaluate(bar)
            if self._is_due(arguments.save_steps):
                self._save_checkpoint()
        bar.close()
        self._finish(last_result)
        return FitResult(
            self.folder, self.progress.step, last_result.mean if last_result else {}, self.progress.best_metrics
        )

    def _step(self, batches: Iterator[dict[str, Any]]) -> list[dict[str, Tensor]]:
        """One optimiser step over `gradient_accumulation_steps` micro-batches."""
        all_terms = []
        for _ in range(self.arguments.gradient_accumulation_steps):
            batch = next(batches)
            with self.accelerator.accumulate(self.model):
                terms = self._terms(batch)
                loss = terms["loss"]
                if loss.device.type == "cpu" and not torch.isfinite(loss):
                    raise FloatingPointError(
                        f"the loss is {loss.item()} at step {self.progress.step + 1} on {batch['name']}; the last "
                        f"checkpoint is intact. Look at these images, or lower the learning rate"
                    )
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients and self.arguments.max_grad_norm > 0:
                    self.accelerator.clip_grad_norm_(self.model.parameters(), self.arguments.max_grad_norm)
                self.optimizer.step()
                self.optimizer.zero_grad()
            all_terms.append({name: value.detach() for name, value in terms.items()})
        self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.accelerator.unwrap_model(self.model))
        return all_terms

    def _terms(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        try:
            with self.accelerator.autocast():
                return self.objective(self.model, batch, self.progress.step / self.total_steps)
        except ValueError as error:
            # Losses know an image by its place in the batch only.
            raise ValueError(f"step {self.progress.step + 1}, images {batch['name']}: {error}") from error

    def _is_due(self, every: int) -> bool:
        return every > 0 and self.progress.step % every == 0

    def _batches(self) -> Iterator[dict[str, Any]]:
        """Batches of this process on its device, from the current step to the end."""
        arguments, accelerator = self.arguments, self.accelerator
        sampler = GlobalBatchSampler(
            batch_size=arguments.per_device_train_batch_size,
            samples_per_epoch=len(self.train_data),
            process_index=accelerator.process_index,
            process_count=accelerator.num_processes,
            accumulation=arguments.gradient_accumulation_steps,
            first_step=self.progress.step,
            last_step=self.total_steps,
        )
        loader = DataLoader(
            self.train_data,
            batch_sampler=sampler,
            collate_fn=collate,
            num_workers=arguments.dataloader_num_workers,
            pin_memory=accelerator.device.type == "cuda",
            worker_init_fn=_quiet_worker,
        )
        first = self.progress.step * arguments.gradient_accumulation_steps
        for number, batch in enumerate(loader, start=first):
            if arguments.cutmix_probability > 0:
                random = np.random.default_rng([arguments.seed, number, accelerator.process_index, 3])
                batch = cutmix(batch, random, arguments.cutmix_probability)
            yield {
                key: value.to(accelerator.device, non_blocking=True) if isinstance(value, Tensor) else value
                for key, value in batch.items()
            }

    # -- what a person sees ------------------------------------------------------------------------------------------

    def _introduce(self) -> None:
        arguments, rates = self.arguments, self.rates
        trained = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        images = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
        images *= self.accelerator.num_processes
        self.say(
            f"training {trained / 1e6:.2f} M parameters (encoder: {arguments.encoder_strategy}) for "
            f"{self.total_steps} steps of {images} images, {len(self.train_data)} images in an epoch, "
            f"{self.accelerator.num_processes} process(es) on {self.accelerator.device}, "
            f"precision {self.accelerator.mixed_precision}"
        )
        self.say(f"learning rates: encoder {rates.encoder:g}, decoder {rates.decoder:g} ({rates.reason})")
        if self.resume_folder is not None:
            self.say(f"going on from {self.resume_folder} at step {self.progress.step}")

    def _log(self, window: list[dict[str, Tensor]], images_per_second: float, bar: tqdm) -> None:
        """Averages the window over processes, writes it, and stops a run whose output has left its bounds."""
        names = sorted(set().union(*window))
        totals = {name: torch.stack([terms[name].float() for terms in window if name in terms]) for name in names}
        local = torch.stack([totals[n].amax() if n == "output_maximum" else totals[n].mean() for n in names])
        gathered = self.accelerator.gather(local[None])
        values = dict(zip(names, gathered.mean(0).tolist(), strict=True))
        values["output_maximum"] = gathered[:, names.index("output_maximum")].amax().item()
        for group in self.optimizer.param_groups:
            if not group["name"].endswith("_no_decay"):
                values[f"learning_rate_{group['name']}"] = group["lr"]
        values["images_per_second"] = images_per_second
        bar.set_postfix(loss=f"{values['loss']:.4f}", images=f"{images_per_second:.1f}/s")
        self._record({"step": self.progress.step, **values})
        self.accelerator.log(values, step=self.progress.step)
        if not math.isfinite(values["loss"]):
            raise FloatingPointError(
                f"the loss is {values['loss']} at step {self.progress.step}; lower the learning rate"
            )
        # Written so that NaN stops the run too: on an accelerator a NaN prediction gives a loss of 0 without images.
        if not values["output_maximum"] <= self.arguments.max_output:
            raise FloatingPointError(
                f"the output reached {values['output_maximum']:.3g} at step {self.progress.step}, above max_output "
                f"{self.arguments.max_output:g}: its scale runs away, which the affine-invariant loss does not see. "
                "Set anchor_weight to 1 (the default from random weights) or lower the learning rate"
            )
        if values["output_zero_share"] > self.arguments.max_zero_share:
            raise FloatingPointError(
                f"{values['output_zero_share']:.0%} of the output is 0 at step {self.progress.step}, above "
                f"max_zero_share {self.arguments.max_zero_share:.0%}: the last ReLU is dying. Lower the learning "
                "rate, set anchor_weight to 1, or raise max_zero_share if the images are mostly sky"
            )

    def _record(self, entry: dict[str, Any]) -> None:
        if self.accelerator.is_main_process:
            with open(self.folder / LOG_FILE, "a") as log:
                log.write(json.dumps(entry) + "\n")

    def _published_model(self) -> Any:
        """The weights that are evaluated and saved: their average where one is kept."""
        return self.average.module if self.average is not None else self.accelerator.unwrap_model(self.model)

    def _evaluate(self, bar: tqdm) -> EvaluationResult:
        """Scores the held-out set, divided over the processes, and keeps the best model."""
        assert self.evaluation is not None
        result = evaluate_model(self._published_model(), self.processor, self.evaluation, self.accelerator)
        self.model.train()
        metric = METRICS[self.arguments.metric_for_best_model]
        value = result.mean[metric.name]
        self._record({"step": self.progress.step, **{f"eval_{k}": v for k, v in result.mean.items()}})
        self.accelerator.log({f"eval/{name}": number for name, number in result.mean.items()}, self.progress.step)
        best = self.progress.best_value
        improved = not math.isnan(value) and (
            best is None or (value > best if metric.higher_is_better else value < best)
        )
        mark = " (best so far)" if improved else ""
        self.say(
            f"step {self.progress.step}: "
            + ", ".join(f"{name} {result.mean[name]:.4f}" for name in ("delta1", "ordinal_accuracy", "abs_rel"))
            + f" over {len(result.rows)} held-out images{mark}"
        )
        if improved:
            self.progress.best_value, self.progress.best_metrics = value, result.mean
            if self.accelerator.is_main_process:
                with replaced_folder(self.folder / "best") as folder:
                    self._save_model(folder, result)
        self.accelerator.wait_for_everyone()
        return result

    # -- what a run leaves behind ------------------------------------------------------------------------------------

    def _save_model(self, folder: Path, result: EvaluationResult | None) -> None:
        """Model, processor and card: a folder that `from_pretrained` and stock transformers open."""
        self._published_model().save_pretrained(folder)
        self.processor.save_pretrained(folder)
        if result is not None:
            result.save(folder)
        training = {**self.arguments.non_default(), "steps": self.progress.step, "learning_rates": asdict(self.rates)}
        card = {"title": self.folder.name, "kind": self._published_model().config.depth_estimation_type, **self.card}
        results = None
        if result is not None:
            protocol = f"alignment: {result.settings.alignment}, depth to {result.settings.max_depth:g} m"
            scores = {name: value for name, value in result.mean.items() if name in METRICS}
            results = {"held-out images": {"metrics": scores, "images": len(result.rows), "protocol": protocol}}
        write_model_card(folder, training=training, results=results, **card)

    def _save_checkpoint(self) -> None:
        """`checkpoint-N/`: the model, and in `state/` what a resume needs; complete or absent."""
        target = self.folder / f"checkpoint-{self.progress.step}"
        unfinished = target.with_name(f".{target.name}.unfinished")
        if self.accelerator.is_main_process:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
        self.accelerator.wait_for_everyone()
        self.accelerator.save_state(str(unfinished / "state"))
        if self.accelerator.is_main_process:
            self._save_model(unfinished, None)
            torch.save(
                {
                    "progress": asdict(self.progress),
                    "schedule": {"last_epoch": self.schedule.last_epoch},
                    "average": self.average.state_dict() if self.average is not None else None,
                },
                unfinished / "state" / STATE_FILE,
            )
            shutil.rmtree(target, ignore_errors=True)
            os.replace(unfinished, target)
            if self.arguments.save_total_limit:
                for old in list_checkpoints(self.folder)[: -self.arguments.save_total_limit]:
                    shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def _load(self, folder: Path) -> None:
        self._check_same_model(folder)
        self.accelerator.load_state(str(folder / "state"))
        # weights_only: a checkpoint from elsewhere must not be able to run code.
        state = torch.load(folder / "state" / STATE_FILE, map_location="cpu", weights_only=True)
        self.progress = Progress(**state["progress"])
        # The rates themselves came back with the optimiser's groups.
        self.schedule.last_epoch = state["schedule"]["last_epoch"]
        if self.average is not None:
            self.average.load_state_dict(state["average"])

    def _check_same_model(self, folder: Path) -> None:
        ignored = ("transformers_version", "dtype", "_name_or_path", "architectures")
        config = self.accelerator.unwrap_model(self.model).config
        # A saved file leaves defaults out and turns integer keys to text; both sides take the same way to JSON.
        current, saved = (
            json.loads(each.to_json_string(use_diff=False)) for each in (config, type(config).from_pretrained(folder))
        )
        for key in MODEL_KEYS:
            if saved[key] != current[key]:
                raise ValueError(f"{folder} is another model: {key} is {saved[key]}, expected {current[key]}")
        for key, value in current["backbone_config"].items():
            if key not in ignored and saved["backbone_config"].get(key) != value:
                raise ValueError(
                    f"{folder} has another encoder: {key} is {saved['backbone_config'].get(key)}, expected {value}"
                )

    def _finish(self, result: EvaluationResult | None) -> None:
        if self.accelerator.is_main_process:
            self._save_model(self.folder, result)
            self.say(f"the model is in {self.folder}; it opens with from_pretrained here and in stock transformers")
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()


def evaluate_model(
    model: PreTrainedModel, processor: Any, evaluation: Evaluation, accelerator: Accelerator
) -> EvaluationResult:
    """Scores a model on all processes; every process gets the whole result."""
    model.eval()
    predictor = DepthPredictor(model, processor, device=accelerator.device, batch_size=evaluation.batch_size)
    result = evaluate(
        predictor,
        evaluation.dataset,
        evaluation.settings,
        prediction_is=predictor.kind,
        indices=range(accelerator.process_index, len(evaluation.dataset), accelerator.num_processes),
    )
    return EvaluationResult.merge(gather_object([result]))


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """Trackers take numbers and words only."""
    return {
        name: value if isinstance(value, int | float | str | bool) else str(value) for name, value in values.items()
    }


def _quiet_worker(_: int) -> None:
    # Each worker is one of several processes; OpenCV's own threads would compete with the training step.
    cv2.setNumThreads(0)


__all__ = ["Evaluation", "FitResult", "TrainingArguments", "evaluate_model", "fit"]
