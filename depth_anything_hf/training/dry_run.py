# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Dry run: two steps of a training without a file written, and what they show of data, losses, time and memory."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor

from ..data.decoding.errors import BrokenSampleError
from ..data.item_mixture import training_data
from ..data.mixture import Mixture
from ..data.streaming_mixture import StreamingMixture
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.messages import counted
from ..utils.processes import own_accelerate_state
from .adapters import adapter_record, without_wrapper
from .arguments import TrainingArguments
from .auto_batch import settle_batch
from .encoder_strategy import EncoderStrategy
from .engine import Engine, Objective
from .health import largest_output
from .memory import allocator_for_training, peak_memory_mib
from .memory_estimate import MemoryEstimate
from .model_state import restore_module
from .objectives import require_fitting_labels
from .optim import learning_rates_of
from .prefetch import DevicePrefetcher, open_batches, usable_workers
from .previews import labels_of, predict_and_picture
from .processes import autocast, training_accelerator
from .start_decay import fresh_parts
from .start_warnings import predict_for_launch, predict_memory, start_warnings
from .state import RunGeometry
from .step_status import is_finite
from .tracking import require_trackers, summarize_terms


# The second one is measured: the first one allocates, and compiles where that is set.
MEASURED_STEPS = 2
SAMPLES_PER_SOURCE = 4
IMAGES_IN_THE_SHEET = 4
# One machine of a usual kind.
PLANNED_GPUS = 8


@dataclass
class LabelRange:
    """What the labels of one source look like, as the loss sees them.

    Attributes:
        source: name.
        samples: how many were looked at.
        valid_share: of their pixels, 0..1; None without labels.
        minimum, maximum: of the valid labels, as `target` says: disparity or metres; None without a valid one.
    """

    source: str
    samples: int
    valid_share: float | None = None
    minimum: float | None = None
    maximum: float | None = None

    def __str__(self) -> str:
        if self.valid_share is None:
            return f"{self.source}: no labels in {counted(self.samples, 'sample')}"
        if self.minimum is None:
            return f"{self.source}: not one valid pixel in the labels of {counted(self.samples, 'sample')}"
        return (
            f"{self.source}: {self.valid_share:.1%} of the labels' pixels are valid, values {self.minimum:.4g} to "
            f"{self.maximum:.4g} ({counted(self.samples, 'sample')})"
        )


@dataclass
class DryRunReport:
    """What a dry run has found.

    Attributes:
        batch: key of a micro-batch -> shape of its tensor.
        labels: one entry for each source.
        terms: loss, its terms and what a run watches, of the first step; means over its images that count.
        gradient_norm: of the first step, before clipping.
        learning_rates: peak rates of encoder and decoder.
        images_per_step: of all processes.
        total_steps: of the whole run.
        seconds_per_step: forward, backward and optimizer of the second step, without reading.
        reading_seconds_per_step: of the data of a step, in this process alone, without workers.
        estimated_seconds: of the whole run, without evaluations and checkpoints.
        peak_memory_mib: allocated on a GPU, resident elsewhere; of this process.
        sheet: uint8 (H, W, 3): image, label, prediction and error of some images of the first batch; None on all
            processes but the main one.
        predicted_memory: of each GPU, for the run as it was launched and as it would be on 8 GPUs; or in their place
            why it cannot be predicted. On the main process alone.
        trained: which parameters are, and how many.
        problems: messages about what would abort or spoil the run; empty if nothing was found.
        notes: what the run itself would say before its first step: warnings, and what it does to the model.
    """

    batch: dict[str, tuple[int, ...]]
    labels: list[LabelRange]
    terms: dict[str, float]
    gradient_norm: float
    learning_rates: dict[str, float]
    images_per_step: int
    total_steps: int
    seconds_per_step: float
    reading_seconds_per_step: float
    estimated_seconds: float
    peak_memory_mib: float
    sheet: np.ndarray | None = field(repr=False)
    predicted_memory: dict[str, MemoryEstimate | str] = field(default_factory=dict)
    trained: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shapes = ", ".join(f"{key} {list(shape)}" for key, shape in self.batch.items())
        terms = ", ".join(f"{name} {value:.4g}" for name, value in self.terms.items())
        rates = ", ".join(f"{name} {rate:g}" for name, rate in self.learning_rates.items())
        lines = [
            f"batch: {shapes}",
            *map(str, self.labels),
            f"first step: {terms}",
            f"gradient norm {self.gradient_norm:.4g}; learning rates: {rates}",
            *([f"trains {self.trained}"] if self.trained else []),
            f"peak memory {self.peak_memory_mib:.0f} MiB",
            *(f"predicted memory of a GPU, {how}: {memory}" for how, memory in self.predicted_memory.items()),
            f"{self.seconds_per_step:.3g} s a step of {counted(self.images_per_step, 'image')}, and "
            f"{self.reading_seconds_per_step:.3g} s to read them in one process",
            f"{counted(self.total_steps, 'step')} take{'s' if self.total_steps == 1 else ''} about "
            f"{_duration(self.estimated_seconds)}, evaluations and checkpoints not counted",
            *self.notes,
            *(f"problem: {problem}" for problem in self.problems),
        ]
        return "\n".join(lines)


def dry_run_step(
    model: DepthAnythingForDepthEstimation,
    objective: Objective,
    arguments: TrainingArguments,
    train_data: Mixture | StreamingMixture | Any,
    *,
    pretrained: bool,
    fresh_decoder: bool = False,
) -> DryRunReport:
    """Train for two steps as `fit` would begin, and report what was seen; nothing is written to the disk.

    Every process of a launch must call it. The weights of model and objective change; train others.

    Args:
        model: as for `fit`.
        objective: as for `fit`.
        arguments: as for `fit`; the output directory is not touched.
        train_data: as for `fit`.
        pretrained: as for `fit`.
        fresh_decoder: as for `fit`.

    Returns:
        What was found, a loss that is not finite included.

    Raises:
        ValueError: the arguments or the data do not fit, or too many samples in a row cannot be read.
        ImportError: the tracker's package is missing.
    """
    require_trackers(arguments.report_to)
    with own_accelerate_state(), restore_module(model, without_wrapper(model)):
        arguments = settle_batch(arguments, model, objective, train_data)
        data, fresh = training_data(train_data, arguments.seed), fresh_parts(pretrained, fresh_decoder)
        return _dry_run(model, objective, arguments, data, pretrained, fresh)


def _dry_run(
    model: DepthAnythingForDepthEstimation,
    objective: Objective,
    arguments: TrainingArguments,
    train_data: Mixture | StreamingMixture,
    pretrained: bool,
    fresh: tuple[str, ...],
) -> DryRunReport:
    accelerator = training_accelerator(arguments)
    set_seed(arguments.seed)
    require_fitting_labels(objective, train_data)
    geometry = RunGeometry.of(arguments, train_data, accelerator.num_processes)
    rates = learning_rates_of(arguments, pretrained=pretrained, adapters=adapter_record(model) is not None)
    warnings = start_warnings(model, objective, arguments, train_data, accelerator, geometry.total_steps)
    predicted = _predict_memory(model, objective, arguments, train_data, accelerator)
    with allocator_for_training(accelerator.device, saves_memory=arguments.gradient_checkpointing):
        engine = Engine(accelerator, model, objective, arguments, rates, geometry.total_steps, fresh=fresh)
        # Nothing is read ahead, so that reading and computing can be told apart.
        batches = open_batches(
            replace(arguments, dataloader_num_workers=0),
            train_data,
            accelerator,
            last_step=MEASURED_STEPS,
            reads_ahead=False,
        )
        # The last one is the first of a run that trains all that is ever trained.
        last_number = 1 + EncoderStrategy.parse(arguments.encoder_strategy).frozen_steps
        steps = [_take_step(engine, batches, number) for number in (*[1] * (MEASURED_STEPS - 1), last_number)]
        first, last = steps[0], steps[-1]
        memory = peak_memory_mib(accelerator.device)
        sheet = predict_and_picture(engine, first.batch, IMAGES_IN_THE_SHEET)
        labels = [
            _label_range(train_data, source, name, objective, accelerator)
            for source, name in enumerate(train_data.names)
        ]
    workers = usable_workers(arguments)
    per_step = max(last.seconds, last.reading_seconds / workers) if workers else last.seconds + last.reading_seconds
    report = DryRunReport(
        batch={key: tuple(value.shape) for key, value in first.batch.items() if isinstance(value, Tensor)},
        labels=labels,
        terms=first.terms,
        gradient_norm=first.gradient_norm,
        learning_rates={"encoder": rates.encoder, "decoder": rates.decoder},
        images_per_step=geometry.images_per_step,
        total_steps=geometry.total_steps,
        seconds_per_step=last.seconds,
        reading_seconds_per_step=last.reading_seconds,
        estimated_seconds=per_step * geometry.total_steps,
        peak_memory_mib=memory,
        sheet=sheet,
        predicted_memory=predicted,
        trained=str(engine.trained),
    )
    report.problems = _problems(
        report, arguments, largest_output(arguments, model.config), may_overflow=accelerator.scaler is not None
    )
    report.notes += warnings
    if engine.trained.warning:
        report.problems.append(engine.trained.warning)
    if engine.weight_precision:
        report.notes.append(engine.weight_precision)
    return report


def _predict_memory(
    model: DepthAnythingForDepthEstimation,
    objective: Objective,
    arguments: TrainingArguments,
    data: Mixture | StreamingMixture,
    accelerator: Accelerator,
) -> dict[str, MemoryEstimate | str]:
    if not accelerator.is_main_process:
        return {}
    launched = predict_for_launch(model, objective, arguments, data, accelerator)
    found = {"as launched": launched}
    if accelerator.num_processes == 1 and isinstance(launched, MemoryEstimate):
        # The machine on which a run is planned is seldom the one on which it runs.
        found["replicated (DDP)"] = launched.replicated()
        found[f"one of {PLANNED_GPUS} (FSDP2)"] = predict_memory(
            model, objective, arguments, data, accelerator.mixed_precision, processes=PLANNED_GPUS, sharded=True
        )
    return found


@dataclass
class _Step:
    batch: dict[str, Any]
    terms: dict[str, float]
    gradient_norm: float
    seconds: float
    reading_seconds: float


def _take_step(engine: Engine, batches: DevicePrefetcher, number: int) -> _Step:
    accelerator, accumulation = engine.accelerator, engine.arguments.gradient_accumulation_steps
    reading, start = 0.0, time.perf_counter()
    all_terms: list[dict[str, Tensor]] = []
    engine.train_mode()
    for _ in range(accumulation):
        begin = time.perf_counter()
        batch = next(batches)
        reading += time.perf_counter() - begin
        terms = engine.accumulate(batch, 0.0, step=number)
        all_terms.append({name: value.float() for name, value in terms.items()})
    engine.normalize_gradients()
    norm = engine.clip_gradients()
    engine.step((~(torch.isfinite(norm) & is_finite(all_terms))).float())
    if accelerator.device.type == "cuda":
        torch.cuda.synchronize(accelerator.device)
    seconds = time.perf_counter() - start - reading
    means = {name: value.item() for name, value in summarize_terms(all_terms).items()}
    return _Step(batch, means, norm.item(), seconds, reading)


def _label_range(
    train_data: Mixture | StreamingMixture, source: int, name: str, objective: Objective, accelerator: Accelerator
) -> LabelRange:
    """Look at the labels of a source's first samples, or at those that the objective's teacher makes for them."""
    values: list[np.ndarray] = []
    samples = 0
    for index, read in enumerate(islice(train_data.first_samples(source), SAMPLES_PER_SOURCE)):
        try:
            sample = train_data.transforms[source](read(), np.random.default_rng([train_data.seed, source, index]))
        except (BrokenSampleError, OSError):
            continue
        samples += 1
        batch = {key: value[None].to(accelerator.device) for key, value in sample.items() if isinstance(value, Tensor)}
        with torch.no_grad(), autocast(accelerator):
            labels = labels_of(batch, objective)
        if labels is not None:
            values.append(labels[0].detach().float().cpu().numpy())
    if not values:
        return LabelRange(name, samples)
    pixels = np.concatenate([each.ravel() for each in values])
    valid = pixels[np.isfinite(pixels)]
    # The sky of a depth map is infinite and valid.
    share = float((~np.isnan(pixels)).mean())
    if not valid.size:
        return LabelRange(name, samples, share)
    return LabelRange(name, samples, share, float(valid.min()), float(valid.max()))


def _problems(report: DryRunReport, arguments: TrainingArguments, largest: float, *, may_overflow: bool) -> list[str]:
    problems = [
        f"{each.source}: none of its labels has a valid pixel; check the label's column, its scale and its range"
        for each in report.labels
        if each.valid_share is not None and each.minimum is None
    ]
    problems += [
        f"{each.source}: all labels have the value {each.minimum:g}; check the label's column and its scale"
        for each in report.labels
        if each.minimum is not None and each.minimum == each.maximum
    ]
    if not math.isfinite(report.terms["loss"]):
        problems.append(f"the loss is {report.terms['loss']}; check the labels and the picture")
    elif not math.isfinite(report.gradient_norm) and not may_overflow:
        problems.append(f"the norm of the gradient is {report.gradient_norm}; lower the learning rate or use bf16")
    if report.terms.get("output_zero_share", 0.0) > arguments.max_zero_share:
        problems.append(
            f"{report.terms['output_zero_share']:.0%} of the output is 0, above max_zero_share "
            f"{arguments.max_zero_share:.0%}"
        )
    if report.terms.get("output_maximum", 0.0) > largest:
        problems.append(
            f"the output reaches {report.terms['output_maximum']:.3g}, above max_output {arguments.max_output:g}"
        )
    return problems


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


__all__ = ["DryRunReport", "LabelRange", "dry_run_step"]
