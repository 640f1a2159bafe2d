# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The one training loop: `TrainingArguments`, `fit`, checkpoints that are models, and exact resume."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import (
    DataLoaderConfiguration,
    GradientAccumulationPlugin,
    ProjectConfiguration,
    broadcast_object_list,
    set_seed,
)
from torch import Tensor
from tqdm import tqdm

from ..cpu.autotune import adopt_kernel_choices, kernel_choices
from ..cpu.memory import keep_freed_memory, return_every_block, return_freed_memory
from ..data.cutmix import cutmix
from ..data.loader import BatchLoader
from ..data.mixture import Mixture
from ..data.streaming_mixture import StreamingMixture
from ..evaluation.results import EvaluationResult
from ..models.compilation import force_eager
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.files import atomic_write
from ..utils.folders import repair_folder
from ..utils.locks import FolderLock
from ..visualization.encode import encode_png
from .arguments import ARGUMENTS_FILE, TrainingArguments
from .checkpoint_finder import STATE_FOLDER, find_checkpoint, set_aside_later_checkpoints
from .checkpoint_writer import CheckpointWriter
from .distributed import gathered_copy
from .engine import Engine, Objective
from .health import HealthMonitor
from .optim import choose_learning_rates
from .prefetch import DevicePrefetcher
from .previews import card_pictures, training_picture
from .resume import recorded_run_id, require_same_arguments, require_same_model
from .signals import RunInterrupted, StopSignals
from .state import Progress, RunGeometry, random_state, seed_random_state, set_random_state
from .step_status import PendingStep, ReducedStatus
from .tracking import LogWindow, MetricLog, new_run_id, require_tracker
from .validation import Evaluation, described_scores, evaluate_model, is_better


Decision = TypeVar("Decision")
STATE_FILE = "trainer_state.pt"
# Longest waits for the Hub: whoever stops a run has little time left.
PUSH_SECONDS_AT_THE_END, PUSH_SECONDS_WHEN_STOPPED = 600.0, 60.0


@dataclass
class FitResult:
    """What a run leaves behind.

    Attributes:
        output_dir: where the model is.
        steps: optimiser steps done.
        metrics: of the last evaluation.
        best_metrics: of the best evaluation.
        skipped_steps: steps left out because loss or gradient was not finite.
        broken_samples: samples that could not be read and were replaced.
    """

    output_dir: Path
    steps: int
    metrics: dict[str, float]
    best_metrics: dict[str, float]
    skipped_steps: int = 0
    broken_samples: int = 0


def fit(
    model: DepthAnythingForDepthEstimation,
    objective: Objective,
    arguments: TrainingArguments,
    train_data: Mixture | StreamingMixture,
    *,
    processor: Any,
    pretrained: bool,
    evaluation: Evaluation | None = None,
    card: dict[str, Any] | None = None,
    record: dict[str, Any] | None = None,
) -> FitResult:
    """Trains a model; started by `accelerate launch`, the same code runs on any number of processes.

    A run that is killed at any instant and resumed gives the same weights as one that is not: bit for bit on a CPU
    with the same number of processes. With another number the images of every step stay the same, as long as
    batch size x accumulation x processes does; CutMix pairs images of one micro-batch and so changes.

    A step whose loss or gradient is not finite on any process is left out on all: weights and optimiser stay, the
    step counts, so that schedule and data go on as planned.

    Args:
        model: a [`DepthAnythingForDepthEstimation`].
        objective: (model, batch, progress 0..1) -> {"loss": scalar, named terms}; see `objectives`.
        arguments: see [`TrainingArguments`].
        train_data: the samples; those of a mixture depend on (seed, epoch, position) alone.
        processor: the image processor, saved beside the weights.
        pretrained: whether the encoder is; decides the learning rates that were not given.
        evaluation: a held-out set, scored every `eval_steps` and at the end; the best model is kept in `best/`.
        card: further content of the model card; see `hub.write_model_card`. Without a role the model is called a
            student, or a metric model. A card that cannot be written is found out at the start; if it fails later,
            the weights are saved without it.
        record: what else makes the run what it is (data, losses), as plain values that JSON has. It is stored with
            the arguments as "recipe" and must be the same on a resume.

    Returns:
        The folder, which holds the final model, and the last and best scores.

    Raises:
        ValueError: the folder holds another run, or another process trains in it; the checkpoint is another model's
            or damaged; the arguments or the card do not fit; the evaluation lacks the metric for the best model; or
            too many samples in a row, or more than `max_broken_share` of them, cannot be read.
        FloatingPointError: `max_skipped_steps` in a row were not finite, more than 50 gradients in a row overflowed
            in fp16, or the output left its bounds.
        RunInterrupted: SIGTERM or SIGINT came, and the state was saved; not caught, the process exits with code 75.
        ImportError: the tracker's package is missing.
    """
    advice = "wait for its end, or choose another output_dir"
    with FolderLock(Path(arguments.output_dir), activity="training", advice=advice) as lock:
        run = Trainer(
            model, objective, arguments, train_data, processor, pretrained, evaluation, card or {}, record, lock
        )
        return run.run()


class Trainer:
    """One call of `fit`: prepares everything once, then loops."""

    def __init__(
        self,
        model: DepthAnythingForDepthEstimation,
        objective: Objective,
        arguments: TrainingArguments,
        train_data: Mixture | StreamingMixture,
        processor: Any,
        pretrained: bool,
        evaluation: Evaluation | None,
        card: dict[str, Any],
        record: dict[str, Any] | None,
        lock: FolderLock,
    ) -> None:
        require_tracker(arguments.report_to)
        if evaluation is not None:
            evaluation.require_metric(arguments.metric_for_best_model)
        self.arguments, self.train_data, self.processor = arguments, train_data, processor
        self.evaluation, self.objective, self.lock = evaluation, objective, lock
        self.folder = Path(arguments.output_dir)
        self.accelerator = Accelerator(
            mixed_precision=arguments.mixed_precision,
            # Instead of the number alone, which an environment variable of Accelerate would overrule.
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=arguments.gradient_accumulation_steps),
            log_with=None if arguments.report_to == "none" else arguments.report_to,
            project_config=ProjectConfiguration(project_dir=str(self.folder), logging_dir=str(self.folder / "logs")),
            dataloader_config=DataLoaderConfiguration(non_blocking=True),
        )
        set_seed(arguments.seed)
        self.run_geometry = self._run_geometry()
        self.total_steps = self.run_geometry.total_steps
        self.progress = Progress()
        self.rates = choose_learning_rates(
            pretrained=pretrained, encoder=arguments.encoder_learning_rate, decoder=arguments.decoder_learning_rate
        )
        self.fixed_record: dict[str, Any] = {"precision": self.accelerator.mixed_precision}
        if record is not None:
            # As it comes back from the file.
            self.fixed_record["recipe"] = json.loads(json.dumps(record, default=str))
        kind = model.config.depth_estimation_type
        self.outputs = CheckpointWriter(self.accelerator, arguments, processor, kind, self.rates, card, self.say)
        self._decided_by_main(lambda: self.outputs.try_card(self.total_steps))
        self.resume_folder = self._decided_by_main(self._claim_folder)
        self.engine = Engine(self.accelerator, model, objective, arguments, self.rates, self.total_steps)
        if self.engine.warning:
            self.say(f"warning: {self.engine.warning}")
        self.log = MetricLog(self.accelerator, self.folder, arguments.report_to)
        self.window = LogWindow()
        self.watch = HealthMonitor(self.accelerator, arguments, self.run_geometry, self.log, self.say)
        self.signals = StopSignals()
        self.stream_state: dict[str, Any] | None = None
        self.reading_error: Exception | None = None
        # Steps that the device has been given and whose findings have not been read, and what came of the others.
        self.pending_steps: list[PendingStep] = []
        self.is_to_stop = False
        self.last_result: EvaluationResult | None = None
        # The last micro-batch, for pictures.
        self.shown_batch: dict[str, Any] = {}

    def say(self, text: str) -> None:
        """Prints on the main process, above a progress bar."""
        if self.accelerator.is_main_process:
            tqdm.write(text)

    def _decided_by_main(self, decide: Callable[[], Decision]) -> Decision:
        """Lets the main process alone look at files; all processes get its answer, or its error."""
        outcome: list[Any] = [None, None]
        if self.accelerator.is_main_process:
            try:
                outcome[0] = decide()
            except (ValueError, OSError) as error:
                outcome[1] = error
        broadcast_object_list(outcome)
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]

    def _run_geometry(self) -> RunGeometry:
        arguments = self.arguments
        per_step = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
        per_step *= self.accelerator.num_processes
        samples = None if isinstance(self.train_data, StreamingMixture) else len(self.train_data)
        steps = arguments.max_steps
        if steps <= 0:
            # A stream says here that it has no length.
            steps = max(1, math.ceil(arguments.num_train_epochs * len(self.train_data) / per_step))
        return RunGeometry(per_step, samples, steps)

    def _claim_folder(self) -> Path | None:
        """Checks that the folder is free or holds this run; returns the checkpoint to go on from."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock.acquire()
        require_same_arguments(self.folder, self.arguments, self.fixed_record)
        repair_folder(self.folder)
        checkpoint = find_checkpoint(self.folder, self.arguments.resume_from_checkpoint)
        self.outputs.start_publishing()
        return checkpoint

    # -- the loop ----------------------------------------------------------------------------------------------------

    def run(self) -> FitResult:
        on_cpu = self.accelerator.device.type == "cpu"
        if on_cpu and self.arguments.gradient_checkpointing:
            return_every_block()
        elif on_cpu:
            keep_freed_memory()
        try:
            self._begin()
            with StopSignals() as self.signals:
                self._evaluate_if_due()
                self._loop()
                self._finish()
        finally:
            if on_cpu:
                return_freed_memory()
        progress = self.progress
        return FitResult(
            self.folder,
            progress.step,
            self.last_result.mean if self.last_result else {},
            progress.best_metrics,
            progress.skipped_steps,
            progress.broken_samples,
        )

    def _begin(self) -> None:
        if self.resume_folder is not None:
            self._load(self.resume_folder)
            if self.accelerator.is_main_process:
                for abandoned in set_aside_later_checkpoints(self.resume_folder, self.folder):
                    self.say(f"a later checkpoint is kept as {abandoned}; 'latest' does not find it any more")
        if self.arguments.report_to != "none" and not self.progress.run_id:
            # The folder's record of it outlives a kill before the first checkpoint.
            self.progress.run_id = self._decided_by_main(lambda: recorded_run_id(self.folder) or new_run_id())
        record = {
            **asdict(self.arguments),
            **self.fixed_record,
            "processes": self.accelerator.num_processes,
            "run_id": self.progress.run_id,
        }
        if self.accelerator.is_main_process:
            atomic_write(self.folder / ARGUMENTS_FILE, json.dumps(record, indent=2) + "\n")
        self.log.start(self.progress.run_id, self.progress.step, record)
        self._introduce()
        arguments, accelerator = self.arguments, self.accelerator
        loader = BatchLoader(
            self.train_data,
            batch_size=arguments.per_device_train_batch_size,
            accumulation=arguments.gradient_accumulation_steps,
            process_index=accelerator.process_index,
            process_count=accelerator.num_processes,
            first_step=self.progress.step,
            last_step=self.total_steps,
            workers=arguments.dataloader_num_workers,
            pin_memory=accelerator.device.type == "cuda",
            state=self.stream_state,
        )
        first = self.progress.step * arguments.gradient_accumulation_steps
        self.batches = DevicePrefetcher(loader, accelerator.device, first=first, change=self._mix)
        self.engine.model.train()

    def _loop(self) -> None:
        bar = tqdm(
            total=self.total_steps,
            initial=self.progress.step,
            desc="train",
            disable=not self.accelerator.is_main_process,
            dynamic_ncols=True,
        )
        with bar:
            while self.progress.step < self.total_steps:
                self._step()
                bar.update()
                # What is found about a step is read when the device has got the next one, so that it never runs dry.
                self._settle(still_open=0 if self._is_something_due() else 1)
                if self._is_due(self.arguments.logging_steps) or self.progress.step == self.total_steps:
                    self._log(bar)
                if self._is_due(self.arguments.picture_steps):
                    self._show_picture()
                if self.watch.fault is not None or self.is_to_stop:
                    self._settle()
                    self._save_and_leave(self.watch.fault)
                evaluated = self._evaluate_if_due()
                if self._is_due(self.arguments.save_steps) and not evaluated:
                    self._save_checkpoint()

    def _save_and_leave(self, fault: Exception | None) -> NoReturn:
        checkpoint = self._save_checkpoint()
        self.say(f"step {self.progress.step}: the state is saved in {checkpoint}")
        self.outputs.finish_publishing(PUSH_SECONDS_WHEN_STOPPED)
        self.accelerator.end_training()
        raise fault or RunInterrupted(checkpoint)

    def _step(self) -> None:
        """Gives the device one optimiser step over `gradient_accumulation_steps` micro-batches."""
        names: list[str] = []
        broken: list[tuple[str, str]] = []
        all_terms: list[dict[str, Tensor]] = []
        watched = torch.zeros((), device=self.accelerator.device)
        data_state, random_numbers = self.batches.state_dict(), random_state()
        for _ in range(self.arguments.gradient_accumulation_steps):
            batch = self._next_batch()
            names += batch["name"]
            broken += batch.pop("broken")
            with self.accelerator.accumulate(*self.engine.trained):
                try:
                    terms = self.engine.terms(batch, self.progress.step / self.total_steps)
                except ValueError as error:
                    # Losses know an image by its place in the batch only.
                    raise ValueError(f"step {self.progress.step + 1}, images {batch['name']}: {error}") from error
                self.accelerator.backward(terms["loss"])
            self.batches.look_ahead()
            all_terms.append({name: value.detach() for name, value in terms.items()})
            # On an accelerator an output of NaN gives a loss of 0 without images; its maximum tells.
            watched = watched + terms["loss"].detach().float() + terms.get("output_maximum", watched.new_zeros(()))
        loss_is_finite = torch.isfinite(watched)
        findings = ReducedStatus(
            self.accelerator,
            stop=self.signals.received is not None,
            unreadable=self.reading_error is not None,
            broken_samples=len(broken),
            loss_is_finite=loss_is_finite,
            gradient_norm=self.engine.clip_gradients(),
            overflow_is_allowed=self.accelerator.scaler is not None,
        )
        number = self.progress.step + 1
        self.pending_steps.append(
            PendingStep(number, findings, loss_is_finite, names, broken, all_terms, data_state, random_numbers)
        )
        if not self.engine.decides_on_device:
            self._settle()
        self.engine.step(findings.leave_out)
        self.progress.step = number

    def _is_something_due(self) -> bool:
        arguments = self.arguments
        intervals = (arguments.logging_steps, arguments.picture_steps, arguments.eval_steps, arguments.save_steps)
        return self.progress.step == self.total_steps or any(self._is_due(every) for every in intervals)

    def _settle(self, still_open: int = 0) -> None:
        """Reads what was found about the oldest open steps."""
        while len(self.pending_steps) > still_open:
            step = self.pending_steps.pop(0)
            findings = step.findings.read()
            if findings.unreadable:
                self._leave_for_unreadable_data(step)
            self.is_to_stop |= findings.stop
            self.watch.look_at(step, findings, self.progress, self.engine.loss_scale)
            if findings.is_finite:
                self.window.add(step.terms, self.run_geometry.images_per_step)

    def _on_any_process(self, own: bool) -> bool:
        flag = torch.tensor(float(own), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, reduction="sum").item() > 0)

    def _is_due(self, every: int) -> bool:
        return every > 0 and self.progress.step % every == 0

    def _mix(self, batch: dict[str, Any], number: int) -> dict[str, Any]:
        """CutMix, where the run has it, by random numbers that belong to the micro-batch."""
        if self.arguments.cutmix_probability <= 0:
            return batch
        random = np.random.default_rng([self.arguments.seed, number, self.accelerator.process_index, 3])
        return cutmix(batch, random, self.arguments.cutmix_probability)

    def _next_batch(self) -> dict[str, Any]:
        """The next micro-batch.

        Where it cannot be read, it is the one before once more: the other processes wait for this one in the backward
        pass, and learn of the error when they agree on the step, which is not taken.
        """
        is_first = not self.shown_batch
        if self.reading_error is None:
            try:
                self.shown_batch = next(self.batches)
            except Exception as error:
                self.reading_error = error
        if is_first and self._on_any_process(self.reading_error is not None):
            raise self.reading_error or _unreadable_elsewhere()
        return self.shown_batch if self.reading_error is None else {**self.shown_batch, "broken": []}

    # -- what goes wrong ---------------------------------------------------------------------------------------------

    def _leave_for_unreadable_data(self, step: PendingStep) -> NoReturn:
        """Saves the run as it was before the step that could not be read, and ends it on all processes."""
        fault = self.reading_error or _unreadable_elsewhere()
        # A later step has been left out as well: a process that cannot read any more says so at every step.
        steps_since = self.progress.step - step.number + 1
        self.pending_steps.clear()
        if step.number == 1 or not self.engine.take_back(steps_since):
            raise fault
        self.progress.step -= steps_since
        self.batches.rewind(step.data_state)
        set_random_state(step.random_numbers)
        self._save_and_leave(fault)

    # -- what a person sees ------------------------------------------------------------------------------------------

    def _introduce(self) -> None:
        arguments, rates = self.arguments, self.rates
        trained = sum(p.numel() for p in self.engine.model.parameters() if p.requires_grad)
        samples = self.run_geometry.samples_per_epoch
        self.say(
            f"training {trained / 1e6:.2f} M parameters (encoder: {arguments.encoder_strategy}) for "
            f"{self.total_steps} steps of {self.run_geometry.images_per_step} images, "
            f"{'a stream of images' if samples is None else f'{samples} images in an epoch'}, "
            f"{self.accelerator.num_processes} process(es) on {self.accelerator.device}, "
            f"precision {self.accelerator.mixed_precision}"
        )
        self.say(f"learning rates: encoder {rates.encoder:g}, decoder {rates.decoder:g} ({rates.reason})")
        if self.resume_folder is not None:
            self.say(f"going on from {self.resume_folder} at step {self.progress.step}")

    def _log(self, bar: tqdm) -> None:
        """Writes the window's averages and stops a run whose output has left its bounds."""
        values = self.window.close(self.accelerator)
        values |= {f"learning_rate_{name}": rate for name, rate in self.engine.learning_rates().items()}
        values["skipped_steps"] = self.progress.skipped_steps
        values["skipped_samples"] = self.progress.broken_samples
        if self.engine.loss_scale is not None:
            values["loss_scale"] = self.engine.loss_scale
        bar.set_postfix(loss=f"{values.get('loss', math.nan):.4f}", images=f"{values['images_per_second']:.1f}/s")
        self.log.write(self.progress.step, values, tracked=values)
        self.watch.require_bounds(self.progress.step, values)

    def _show_picture(self) -> None:
        """The first image of the last micro-batch: image, label, prediction, error."""
        model, batch = self.engine.raw_model, self.shown_batch
        model.eval()
        # Where the model is sharded, every process has to take part. One image is a size that nothing was built for.
        with torch.no_grad(), self.accelerator.autocast(), force_eager():
            prediction = model(pixel_values=batch["pixel_values"][:1]).predicted_depth[0]
            label = batch["labels"][0] if "labels" in batch else self._label_of_teacher(batch)
        model.train()
        if self.accelerator.is_main_process:
            kind = "depth" if model.config.depth_estimation_type == "metric" else "disparity"
            picture = training_picture(batch["pixel_values"][0], prediction, label, kind)
            path = self.folder / "pictures" / f"step-{self.progress.step}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode_png(picture))
            self.log.show(self.progress.step, picture)

    def _label_of_teacher(self, batch: dict[str, Any]) -> Tensor | None:
        teacher = getattr(self.objective, "teacher", None)
        clean = batch.get("clean_pixel_values", batch["pixel_values"])[:1]
        return None if teacher is None else teacher(clean)[0]

    def _evaluate_if_due(self) -> bool:
        """Evaluates where this step asks for it, and then saves a checkpoint if one is due.

        A run that was stopped by a signal is evaluated when it goes on; one that goes on at its last step needs the
        scores once more for its model card.

        Returns:
            Whether this was done.
        """
        step, every = self.progress.step, self.arguments.eval_steps
        is_last = step == self.total_steps
        if self.evaluation is None or step == 0 or not (is_last or self._is_due(every)):
            self.last_result = None
            return False
        is_new = self.progress.evaluated_step < step
        if is_new or is_last:
            # An evaluation may take minutes, and whoever sends a signal does not wait so long.
            if self._on_any_process(self.signals.received is not None):
                self._save_and_leave(None)
            self._evaluate(self.evaluation, is_new)
        if is_new and self._is_due(self.arguments.save_steps):
            self._save_checkpoint()
        return True

    def _evaluate(self, evaluation: Evaluation, is_new: bool) -> None:
        """Scores the held-out set, divided over the processes, and keeps the best model."""
        # Held-out images may have sizes that nothing was built for.
        with force_eager():
            model = gathered_copy(self.engine.published_model)
            result = evaluate_model(model, self.processor, evaluation, self.accelerator)
        self.engine.model.train()
        self.last_result = result
        if not is_new:
            return
        self.progress.evaluated_step = self.progress.step
        self.log.write(
            self.progress.step,
            {f"eval_{name}": number for name, number in result.mean.items()},
            tracked={f"eval/{name}": number for name, number in result.mean.items()},
        )
        value = result.mean[self.arguments.metric_for_best_model]
        improved = is_better(value, self.progress.best_value, self.arguments.metric_for_best_model)
        self.say(f"step {self.progress.step}: {described_scores(result)}{' (best so far)' if improved else ''}")
        if improved:
            self.progress.best_value, self.progress.best_metrics = value, result.mean
            self.outputs.save_best(self.engine.published_model, self.progress.step, result)
        self.accelerator.wait_for_everyone()

    # -- the state of the run, and its end --------------------------------------------------------------------------

    def _save_checkpoint(self) -> Path:
        return self.outputs.save_checkpoint(self.engine.published_model, self.progress.step, self._write_state)

    def _write_state(self, state: Path) -> None:
        """What `_load` needs, in a folder of a new checkpoint."""
        rest = self.engine.save(state)
        own = {"random": random_state(), "window": self.window.state_dict(), "data": self.batches.state_dict()}
        torch.save(own, state / _process_file(self.accelerator.process_index))
        if self.accelerator.is_main_process:
            common = {
                "progress": asdict(self.progress),
                "run_geometry": asdict(self.run_geometry),
                "processes": self.accelerator.num_processes,
                "cpu_kernels": kernel_choices(),
                **rest,
            }
            torch.save(common, state / STATE_FILE)
            self.log.synchronise()

    def _load(self, folder: Path) -> None:
        accelerator = self.accelerator
        require_same_model(folder, self.engine.raw_model.config)
        state = folder / STATE_FOLDER
        # weights_only: a checkpoint from elsewhere must not be able to run code.
        common = torch.load(state / STATE_FILE, map_location="cpu", weights_only=True)
        self.run_geometry.require(common["run_geometry"], folder)
        self.progress = Progress(**common["progress"])
        # Other kernels have other last bits. Checkpoints of earlier versions do not name them.
        adopt_kernel_choices(common.get("cpu_kernels", {}))
        self.engine.load(state, common, self.progress.step)
        states = [
            torch.load(state / _process_file(index), map_location="cpu", weights_only=True)
            for index in range(common["processes"])
        ]
        self.window.load_state_dicts(
            [each["window"] for each in states],
            accelerator.process_index,
            accelerator.num_processes,
            accelerator.device,
        )
        own = states[min(accelerator.process_index, len(states) - 1)]
        self.stream_state = own["data"]
        if accelerator.process_index < len(states):
            set_random_state(own["random"])
        else:
            seed_random_state(self.arguments.seed, accelerator.process_index, self.progress.step)

    def _finish(self) -> None:
        model = self.engine.published_model
        self.outputs.save_final(model, self.progress.step, self.last_result, self._card_pictures)
        if self.accelerator.is_main_process:
            if self.progress.skipped_steps or self.progress.broken_samples:
                self.say(
                    f"{self.progress.skipped_steps} steps were left out and {self.progress.broken_samples} samples "
                    f"replaced; {self.log.path} names them"
                )
            self.say(f"the model is in {self.folder}; it opens with from_pretrained here and in stock transformers")
        self.accelerator.wait_for_everyone()
        self.outputs.finish_publishing(PUSH_SECONDS_AT_THE_END)
        self.accelerator.end_training()

    def _card_pictures(self, place: Path) -> dict[str, Any]:
        with force_eager():
            model = self.engine.published_model
            return card_pictures(
                place, self.log.loss_curve(), model, self.processor, self.evaluation, self.last_result
            )


def _process_file(process_index: int) -> str:
    return f"process-{process_index}.pt"


def _unreadable_elsewhere() -> ValueError:
    return ValueError("another process could not read its data, and says why; this one ends with it")


__all__ = ["Evaluation", "FitResult", "RunInterrupted", "TrainingArguments", "evaluate_model", "fit"]
