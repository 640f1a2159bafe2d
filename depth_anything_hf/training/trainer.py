# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The one training loop: `TrainingArguments`, `fit`, checkpoints that are models, and exact resume."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn

from accelerate.utils import gather_object, set_seed
from torch import Tensor
from tqdm import tqdm

from ..data.item_mixture import training_data
from ..data.lost_shards import describe_lost, lost_in
from ..data.mixture import Mixture
from ..data.streaming_mixture import StreamingMixture
from ..evaluation.datasets import LabelledDataset
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.locks import FolderLock
from ..utils.messages import counted
from ..utils.processes import end_trackers, leave_group_at_exit, own_accelerate_state
from .adapters import adapter_record, without_wrapper
from .arguments import TrainingArguments
from .auto_batch import settle_batch
from .callbacks import Callbacks
from .changes import describe_history
from .checkpoint_writer import CheckpointWriter
from .description import describe_run
from .due import Due
from .early_stopping import STOPPED, is_out_of_patience, reason_to_stop
from .engine import Engine, Objective
from .fit_result import FitInputs, FitResult
from .health import HealthMonitor, fault_of_bounds
from .held_out import HeldOut
from .memory import allocator_for_training
from .model_state import restore_module
from .optim import learning_rates_of
from .prefetch import open_batches, unreadable_elsewhere
from .previews import card_pictures, show_picture
from .processes import decide_on_main, on_any_process, print_on_main, progress_bar, training_accelerator
from .rank_failures import RankFailures
from .resume import claim_folder, load_run
from .run_record import HISTORY, RunRecord
from .signals import RunInterrupted, StopSignals
from .start_warnings import start_warnings, unusable_labels
from .state import Progress, RunGeometry, RunState, random_state, set_random_state
from .step_status import PendingStep, PendingSteps, ReducedStatus, is_finite
from .summary import RunSummary
from .tracking import LogWindow, MetricLog, require_trackers
from .validation import Evaluation, as_evaluation, evaluate_model


if TYPE_CHECKING:
    from ..evaluation.own_metrics import OwnMetric
    from .callbacks import Callback

# Longest waits for the Hub: after a signal little time is left.
PUSH_SECONDS_AT_THE_END, PUSH_SECONDS_WHEN_STOPPED = 600.0, 60.0


def fit(
    model: DepthAnythingForDepthEstimation,
    objective: Objective,
    arguments: TrainingArguments,
    train_data: Mixture | StreamingMixture | Any,
    *,
    processor: Any,
    pretrained: bool,
    fresh_decoder: bool = False,
    evaluation: Evaluation | LabelledDataset | None = None,
    forgetting: Evaluation | LabelledDataset | None = None,
    card: dict[str, Any] | None = None,
    record: dict[str, Any] | None = None,
    callbacks: Sequence[Callback] | Callback | None = (),
    metrics: Mapping[str, OwnMetric] | None = None,
) -> FitResult:
    """Train a model; started by `accelerate launch`, the same code runs on any number of processes.

    A run that is killed at any instant and resumed gives the same weights as one that is not: bit for bit on a CPU
    with the same number of processes. With another number the images of every step stay the same, as long as
    batch size x accumulation x processes does; CutMix and a SILog over the batch see one micro-batch and so change.

    A step whose loss or gradient is not finite on any process is skipped on all: weights and optimizer stay, the
    step counts, so that schedule and data advance as planned. So is a step without a valid label on all processes.

    Afterwards the model is the one that was saved: in evaluation mode, on the training's device, with its own
    `forward`, and with the averaged weights where they are kept. What Accelerate keeps for the process is as before,
    so that trainings may follow one another; the generators of Python, NumPy and torch were seeded with `seed`.

    Args:
        model: a [`DepthAnythingForDepthEstimation`]; weights in half precision become float32, see `pure_bf16`. Of one
            with adapters of peft, these and the decoder are trained, and saved models have them merged.
        objective: (model, batch, progress 0..1) -> {"loss": scalar, named terms}; see `objectives`. The loss is a mean
            over the images that count, "images" of them; without this entry all count.
        arguments: see [`TrainingArguments`].
        train_data: the samples; those of a mixture depend on (seed, epoch, position) alone. Any other map-style
            dataset of tensors will do, see `data.item_mixture.ItemMixture`.
        processor: the image processor, saved beside the weights.
        pretrained: whether the encoder is; decides the learning rates that were not given.
        fresh_decoder: whether the decoder starts from random weights, as it does from an encoder alone.
        evaluation: a held-out set, scored every `eval_steps` and at the end; the best model is kept in `best/`. A
            dataset alone, of images and labels, is scored by the settings that fit the model.
        forgetting: a held-out set of the domain that the model comes from, likewise. It is scored before the first
            step and whenever the other is, and log, card and result show gain and loss side by side.
        card: further content of the model card; see `hub.model_card.write_model_card`. Without a role the model is
            called a student, or a metric model. A dry run finds card errors at the start; if the card fails later, the
            weights are saved without it.
        record: what else makes the run what it is, as plain values that JSON has, beside what is known of objective
            and data themselves; see `description.describe_run`. Together they are stored with the arguments as
            "recipe" and must be the same on a resume, but for what `arguments.allow_changed` names.
        callbacks: `transformers.TrainerCallback`s, one or several, such as `EarlyStoppingCallback`; see
            `callbacks.Callbacks`.
        metrics: further metrics of the evaluation, name -> function(prediction, label, valid) -> number; see
            `Evaluation`. One of them may be `metric_for_best_model`, with `greater_is_better`.

    Returns:
        The folder, which holds the final model, and the last and best scores.

    Raises:
        ValueError: the folder holds another run, or another process trains in it; the checkpoint is another model's
            or damaged; the arguments or the card do not fit; the evaluation lacks the metric for the best model; or
            too many samples in a row, or more than `max_broken_share` of them, cannot be read; or no image of the last
            `max_unlabelled_steps` steps had a valid label.
        FloatingPointError: `max_skipped_steps` in a row were not finite, more than 50 gradients in a row overflowed
            in fp16, or the output left its bounds; the state was saved.
        Exception: what the objective raised; on one process the state before that step was saved.
        RunInterrupted: SIGTERM or SIGINT came, and the state was saved; not caught, the process exits with code 75.
        ImportError: a tracker's package is missing.
        RuntimeError: a callback failed; the state was saved.
    """
    advice = "wait for its end, or choose another output_dir"
    evaluation = as_evaluation(evaluation, model.config, metrics)
    old = as_evaluation(forgetting, model.config, metrics if forgetting is not None else None, "forgetting")
    lock = FolderLock(Path(arguments.output_dir), activity="training", advice=advice)
    with lock, own_accelerate_state(), restore_module(model, without_wrapper(model), merges=arguments.lora_merge):
        inputs = FitInputs(
            *(model, objective, train_data, processor, pretrained, fresh_decoder, evaluation, old),
            *(card or {}, record, callbacks),
        )
        trainer = Trainer(settle_batch(arguments, model, objective, train_data), inputs, lock)
        try:
            return trainer.run()
        finally:
            end_trackers(trainer.accelerator)


class Trainer:
    """One call of `fit`: prepares everything once, then loops. No part of it calls back into it."""

    def __init__(self, arguments: TrainingArguments, inputs: FitInputs, lock: FolderLock) -> None:
        model, objective = inputs.model, inputs.objective
        require_trackers(arguments.report_to)
        self.held_out = HeldOut(arguments, inputs.evaluation, inputs.forgetting)
        self.arguments, self.processor = arguments, inputs.processor
        self.train_data = train_data = training_data(inputs.train_data, arguments.seed)
        self.folder = Path(arguments.output_dir)
        self.accelerator = training_accelerator(arguments, self.folder)
        set_seed(arguments.seed)
        self.geometry = RunGeometry.of(arguments, train_data, self.accelerator.num_processes)
        self.progress = Progress()
        recipe = describe_run(objective, train_data, inputs.record, seed=arguments.seed)
        self.record = RunRecord(self.accelerator, arguments, recipe, adapter_record(model))
        self.rates = learning_rates_of(arguments, pretrained=inputs.pretrained, adapters=self.record.has_adapters)
        kind = model.config.depth_estimation_type
        self.writer = CheckpointWriter(self.accelerator, arguments, self.processor, kind, self.rates, inputs.card)
        decide_on_main(self.accelerator, lambda: self.writer.try_card(self.geometry.total_steps))
        self.claim = decide_on_main(
            self.accelerator, lambda: claim_folder(lock, arguments, self.record.fixed, self.geometry)
        )
        # A run that fails to start creates no repository.
        decide_on_main(self.accelerator, self.writer.start_publishing)
        steps = self.geometry.total_steps
        self.warnings = start_warnings(
            model, objective, arguments, train_data, self.accelerator, steps, self.held_out, inputs.fresh
        )
        self.engine = Engine(self.accelerator, model, objective, arguments, self.rates, steps, fresh=inputs.fresh)
        self.writer.trained = str(self.engine.trained)
        self.log = MetricLog(self.accelerator, self.folder, arguments.report_to)
        self.window = LogWindow()
        self.summary = RunSummary(self.accelerator, self.log.path, self.geometry)
        describe_labels = partial(unusable_labels, train_data, objective)
        self.health = HealthMonitor(self.accelerator, arguments, self.geometry, self.log.path, describe_labels)
        self.signals = StopSignals()
        evaluates = inputs.evaluation is not None
        self.callbacks = Callbacks(inputs.callbacks, self.accelerator, arguments, self.geometry, evaluates=evaluates)
        self.rank_failures = RankFailures(self.accelerator)
        self.pending = PendingSteps()
        self.is_to_stop = False
        self.fault: Exception | None = None

    def run(self) -> FitResult:
        """Train from the start, or from the checkpoint found, to the end; a complete run is only opened."""
        if self.claim.is_complete:
            self.engine.open_published(self.folder)
            result = FitResult.of_complete_run(self.arguments, self.geometry)
            self._print(f"{self.folder} holds this run, complete after {counted(result.steps, 'step')}: its model")
            return result
        saves_memory = self.arguments.gradient_checkpointing
        device = self.accelerator.device
        with self.rank_failures, allocator_for_training(device, saves_memory=saves_memory):
            self.progress, data_state = load_run(
                self.claim, self.engine, self.geometry, self.window, self.callbacks, self.held_out
            )
            needs_start = self.held_out.needs_start(self.progress)
            self._record_arguments()
            self._introduce()
            batches = open_batches(
                self.arguments,
                self.train_data,
                self.accelerator,
                first_step=self.progress.step,
                last_step=self.geometry.total_steps,
                data_state=data_state,
            )
            with closing(batches) as self.batches, StopSignals() as self.signals:
                self.callbacks.begin(self.progress, self.engine, self.processor)
                if needs_start:
                    self._print(self.held_out.score_start(self.engine, self.processor, self.progress, self.log))
                due = self._due()
                if self._evaluate_if_due(due) and due.save:
                    self._save_checkpoint()
                self._loop()
                self._finish()
        self.callbacks.end()
        return FitResult.of(self.arguments, self.progress, self.held_out, self.geometry)

    # -- the beginning -----------------------------------------------------------------------------------------------

    def _record_arguments(self) -> None:
        """Write what makes the run what it is, and open log and tracker."""
        record, notes = self.record.write(self.claim, self.progress, is_tracked=bool(self.log.trackers))
        self.log.start(self.progress.run_id, self.progress.step, record)
        for note in notes:
            self.log.write(self.progress.step, note)
        self.writer.changes = describe_history(record[HISTORY])
        self.summary.write()

    def _introduce(self) -> None:
        geometry, checkpoint = self.geometry.describe(self.accelerator.num_processes), self.claim.checkpoint
        resumed = [] if checkpoint is None else [f"resuming from {checkpoint} at step {self.progress.step}"]
        for line in (*self.warnings, *self.engine.describe(), geometry, *resumed, *self.claim.messages):
            self._print(line)

    # -- the loop ----------------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        self.engine.train_mode()
        with progress_bar(self.accelerator, self.progress.step, self.geometry.total_steps) as bar:
            due = self._due()
            while not due.stop:
                self.callbacks.step_begin()
                self._step()
                bar.update()
                due = self.callbacks.step_end(self._due())
                # The status of a step is read after the next step was launched, to avoid a host sync.
                self._settle(leave=0 if due.anything else 1)
                if due.log:
                    self._log(bar)
                if due.picture:
                    show_picture(self.engine, self.batches.last, self.progress.step, self.log)
                due = self.callbacks.revise(due)
                self._leave_if_asked()
                self._evaluate_if_due(due)
                due = self.callbacks.revise(due)
                if due.save:
                    self._save_checkpoint()
                due = self.callbacks.revise(due)
                self._leave_if_asked()
            if self.window.steps:
                self._log(bar)
                self._leave_if_asked()
            if self.held_out.evaluation is not None and self.progress.evaluated_step < self.progress.step:
                self._evaluate_if_due(Due(evaluate=True, stop=True))

    def _due(self) -> Due:
        return Due.after(self.progress, self.geometry.total_steps, self.arguments)

    def _leave_if_asked(self) -> None:
        """Save and leave after a signal or a fault, which all processes know of."""
        fault = self.fault or self.callbacks.fault
        if fault is not None or self.is_to_stop:
            self._settle()
            self._save_and_leave(fault)

    def _step(self) -> None:
        """Launch one optimizer step over `gradient_accumulation_steps` micro-batches."""
        number, progress = self.progress.step + 1, self.progress.step / self.geometry.total_steps
        names: list[str] = []
        broken: list[tuple[str, str]] = []
        terms: list[dict[str, Tensor]] = []
        data_state, random_numbers = self.batches.state_dict(), random_state()
        for micro_batch in range(self.arguments.gradient_accumulation_steps):
            if micro_batch:
                self.callbacks.call("on_substep_end")
            batch = self.batches.next_on_all(self.accelerator)
            names += batch["name"]
            broken += batch.pop("broken")
            try:
                terms.append(self.engine.accumulate(batch, progress, number))
            except Exception as error:
                self._leave_for_error(error, data_state, random_numbers)
            self.batches.look_ahead()
        loss_is_finite, counted_images = is_finite(terms), self.engine.normalize_gradients()
        reduced = ReducedStatus(
            self.accelerator,
            stop=self.signals.received is not None,
            unreadable=self.batches.error is not None,
            broken_samples=len(broken),
            loss_is_finite=loss_is_finite,
            gradient_norm=self.engine.clip_gradients(),
            counted_images=counted_images,
            overflow_is_allowed=self.accelerator.scaler is not None,
        )
        terms[-1] |= self.engine.part_norms
        self.pending.append(
            PendingStep(number, reduced, loss_is_finite, names, broken, terms, data_state, random_numbers)
        )
        if not self.engine.decides_on_device:
            self._settle()
        self.callbacks.call("on_pre_optimizer_step")
        self.engine.step(reduced.leave_out)
        self.callbacks.call("on_optimizer_step")
        self.progress.step = number

    def _settle(self, leave: int = 0) -> None:
        """Act on the status of all pending steps but the `leave` newest."""
        for step, status in self.pending.settle(leave):
            if status.unreadable:
                self._leave_for_unreadable_data(step)
            self.is_to_stop |= status.stop
            report = self.health.examine(step, status, self.progress, self.engine.loss_scale)
            for message in report.messages:
                self._print(message)
            for entry in report.entries:
                self.log.write(step.number, entry)
            self.fault = self.fault or report.fault
            if status.is_finite:
                self.window.add(step.terms, self.geometry.images_per_step)

    def _leave_for_unreadable_data(self, step: PendingStep) -> NoReturn:
        """Save the run as it was before the step that could not be read, and stop all processes."""
        fault = self.batches.error or unreadable_elsewhere()
        # Later steps were skipped too: a rank that cannot read reports it at every step.
        steps_since = self.progress.step - step.number + 1
        self.pending.clear()
        if step.number == 1 or not self.engine.take_back(steps_since):
            raise fault
        self.progress.step -= steps_since
        self.batches.rewind(step.data_state)
        set_random_state(step.random_numbers)
        self._save_and_leave(fault)

    def _leave_for_error(
        self, error: Exception, data_state: dict[str, Any], random_numbers: dict[str, Any]
    ) -> NoReturn:
        """Save the run as it was before the step that failed; not where other processes wait for this one in it."""
        if self.accelerator.num_processes == 1 and self.progress.step > 0 and self.engine.take_back(0):
            self._settle()
            self.batches.rewind(data_state)
            set_random_state(random_numbers)
            self._save_and_leave(error)
        raise error

    # -- log and scores ----------------------------------------------------------------------------------------------

    def _log(self, bar: tqdm[NoReturn]) -> None:
        """Write the window's averages, and note if the output has left its bounds."""
        values = self.window.close(self.accelerator)
        values |= {**self.engine.logged_values(), **self.progress.counts()}
        bar.set_postfix(loss=f"{values.get('loss', math.nan):.4f}", images=f"{values['images_per_second']:.1f}/s")
        self.log.write(self.progress.step, values, tracked=values)
        self.callbacks.log(values)
        self.summary.refresh()
        config = self.engine.raw_model.config
        self.fault = self.fault or fault_of_bounds(self.arguments, config, self.progress.step, values)

    def _evaluate_if_due(self, due: Due) -> bool:
        """Evaluate if this step asks for it.

        A run that was stopped by a signal is evaluated when it is resumed; one resumed at its last step needs the
        scores once more for its model card.

        Returns:
            Whether this has not been done before.
        """
        step = self.progress.step
        if self.held_out.evaluation is None or step == 0 or not due.evaluate:
            self.held_out.discard()
            return False
        is_new = self.progress.evaluated_step < step
        if is_new or due.stop:
            # An evaluation may take minutes, longer than the grace period after a signal.
            if on_any_process(self.accelerator, self.signals.received is not None):
                self._save_and_leave(None)
            self.held_out.score(self.engine, self.processor)
        if is_new:
            self._keep_scores()
            due.stop |= is_out_of_patience(self.arguments, self.progress)
        return is_new

    def _keep_scores(self) -> None:
        """Log the scores of a new evaluation, and keep the model if it is the best."""
        held_out, progress, model = self.held_out, self.progress, self.engine.published_model
        progress.evaluated_step, scores = progress.step, held_out.entry()
        # With the best score before this one, as in `transformers.Trainer`.
        self.callbacks.evaluate(scores)
        self.log.write(progress.step, scores, tracked=held_out.entry("eval/", "forgetting/"))
        self.summary.write()
        improved = held_out.keep_best(progress)
        self._print(f"step {progress.step}: {held_out.describe_scores()}{' (best so far)' if improved else ''}")
        if improved:
            self.writer.save_best(model, progress.step, held_out.result, held_out.gain_and_loss(progress))
        if reason := reason_to_stop(self.arguments, progress, self.geometry.total_steps):
            self.log.write(progress.step, {STOPPED: reason})
        self.accelerator.wait_for_everyone()

    # -- the state, and the end --------------------------------------------------------------------------------------

    def state_dict(self) -> RunState:
        """Return what a resume needs beside the engine's own state."""
        common = {
            "progress": asdict(self.progress),
            "run_geometry": asdict(self.geometry),
            "processes": self.accelerator.num_processes,
            "callbacks": self.callbacks.state_dict(),
        }
        own = {"random": random_state(), "window": self.window.state_dict(), "data": self.batches.state_dict()}
        return RunState(common, own)

    def _save_checkpoint(self) -> Path:
        # So that the log never ends before a checkpoint.
        self.log.synchronize()
        self.summary.write()
        checkpoint = self.writer.save(self.engine, self.progress.step, self.state_dict())
        self.callbacks.save()
        return checkpoint

    def _save_and_leave(self, fault: Exception | None) -> NoReturn:
        checkpoint = self._save_checkpoint()
        self._print(f"step {self.progress.step}: checkpoint saved to {checkpoint}")
        self.rank_failures.disarm()
        self.writer.finish_publishing(PUSH_SECONDS_WHEN_STOPPED)
        if fault is None:
            leave_group_at_exit()
        raise fault or RunInterrupted(checkpoint)

    def _finish(self) -> None:
        """Write the final model with its card, and wait for running uploads to the Hub."""
        model, progress, held_out = self.engine.published_model, self.progress, self.held_out
        self.summary.write()
        with TemporaryDirectory() as place:
            curve = self.log.loss_curve()
            pictures = card_pictures(
                Path(place), curve, self.engine, self.processor, held_out.evaluation, held_out.result
            )
            changes = held_out.gain_and_loss(progress)
            self.writer.save_final(model, progress.step, held_out.result, pictures, changes)
        if lost := describe_lost(gather_object(lost_in(self.batches.state_dict()))):
            self._print(lost)
        if faults := progress.describe_faults():
            self._print(f"{', '.join(faults)}; see {self.log.path}")
        for line in held_out.closing_lines(progress, self.geometry.total_steps):
            self._print(line)
        self._print(f"model saved to {self.folder}; it opens with from_pretrained here and in stock transformers")
        self.engine.publish_weights()
        self.accelerator.wait_for_everyone()
        self.rank_failures.disarm()
        self.writer.finish_publishing(PUSH_SECONDS_AT_THE_END)
        leave_group_at_exit()

    def _print(self, text: str) -> None:
        print_on_main(self.accelerator, text)


__all__ = ["Evaluation", "FitResult", "RunInterrupted", "TrainingArguments", "evaluate_model", "fit"]
