# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One trial of the study: adapt the start by an ordinary command's arguments, score it, keep the numbers.

Trials run in the processes of a pool, one after another: importing torch and transformers takes as long as a third of
a trial. What a trial gives depends on its own fields alone. It is written into one file when it is complete, so that
the study can be killed at any time and goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from domains import data_of, draw_images
from study_plan import BY_NAME, METRIC_DOMAIN, REFERENCE, Trial

from depth_anything_hf.utils.files import atomic_write


HERE = Path(__file__).parent
METRICS = ("delta1", "ordinal_accuracy", "abs_rel")
# Steps before it is even are left out of the time of a step.
FIRST_STEPS = 3
DIGITS = 5


@dataclass(frozen=True)
class Setting:
    """What all trials of a study share.

    Attributes:
        folder: of the study.
        start: flags of the model that is adapted, e.g. ("--model_name_or_path", "runs/teacher").
        start_model: folder of the start as a depth model; None where its decoder is fresh.
        layers: of its encoder that the decoder sees.
        from_scratch: flags of random weights of the same shape.
        old_data, old_labels, old_test: of the old domain, for rehearsal and to score what is forgotten; None: no old
            domain.
        recipes: by command, "train" and "finetune".
        way_back: names of the strategies whose results are mixtures of the start and what the reference has learned.
        depth_range: metres that count in scores.
        threads: of each process.
        use_cpu: whatever GPU there is.
    """

    folder: Path
    start: tuple[str, ...]
    start_model: str | None
    layers: int
    from_scratch: tuple[str, ...]
    old_data: str | None
    old_labels: str | None
    old_test: str | None
    recipes: Mapping[str, str]
    depth_range: tuple[float, float]
    way_back: tuple[str, ...] = ()
    threads: int = 1
    use_cpu: bool = True

    def domain_folder(self, domain: str) -> Path:
        """Return the folder of a domain's images."""
        return self.folder / "domains" / data_of(domain)


def result_path(setting: Setting, trial: Trial) -> Path:
    """Return the file of a trial's numbers."""
    return setting.folder / "trials" / f"{trial.name}.json"


def read_result(setting: Setting, trial: Trial) -> dict[str, Any] | None:
    """Return the numbers of a trial, or None if it was not run."""
    path = result_path(setting, trial)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def way_back_trials(setting: Setting, trial: Trial) -> list[Trial]:
    """Return the trials whose models are mixtures of the start and what a trial learns: of the reference alone."""
    # The decoder of a metric model is another one than the start's.
    is_mixed = trial.role == "main" and trial.strategy == REFERENCE and trial.domain != METRIC_DOMAIN
    names = setting.way_back if is_mixed and setting.start_model is not None else ()
    return [replace(trial, strategy=name) for name in names]


def run_trials(setting: Setting, trials: Iterable[Trial], workers: int) -> None:
    """Run the trials that have no result yet, in several processes.

    Raises:
        RuntimeError: a trial failed; the message names its log. The others are complete.
    """
    missing = [
        each
        for each in trials
        if any(read_result(setting, own) is None for own in (each, *way_back_trials(setting, each)))
    ]
    if not missing:
        return
    began, failures = time.monotonic(), []
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare_process, (setting.threads, setting.use_cpu))
    with pool:
        futures = {pool.submit(run_trial, setting, each): each for each in missing}
        for number, future in enumerate(as_completed(futures), start=1):
            trial = futures[future]
            if future.exception() is not None:
                failures.append(f"{trial.name}: {future.exception()}")
            left = (time.monotonic() - began) / number * (len(missing) - number)
            print(f"  {number}/{len(missing)} {trial.name} (about {left / 60:.0f} min left)", flush=True)
    if failures:
        raise RuntimeError(
            f"{len(failures)} of {len(missing)} trials failed; run the same command again\n" + failures[0]
        )


def run_trial(setting: Setting, trial: Trial) -> None:
    """Run a trial and write its numbers; its folder with model and log is removed."""
    run = setting.folder / "running" / trial.name
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    with (
        open(run / "output.txt", "w", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        result = _train_and_score(setting, trial, run / "run") if trial.steps else _score_start(setting, trial)
    _write(setting, trial, result)
    shutil.rmtree(run)


def command_of(setting: Setting, trial: Trial, output_dir: Path) -> list[str]:
    """Return the command of a trial: `depth-anything-hf` takes these words."""
    strategy = BY_NAME[trial.strategy]
    verb = "finetune" if trial.domain == METRIC_DOMAIN else "train"
    drawn = draw_images(setting.domain_folder(trial.domain), trial.images, trial.seed)
    decoder = trial.rate * strategy.decoder_share
    words = [verb, "--recipe", setting.recipes[verb], "--output_dir", str(output_dir)]
    words += setting.from_scratch if strategy.from_scratch else setting.start
    words += ["--encoder_strategy", strategy.encoder_strategy(setting.layers, trial.steps)]
    words += ["--encoder_learning_rate", f"{trial.rate * strategy.encoder_share:.6g}"]
    words += ["--decoder_learning_rate", f"{decoder:.6g}"]
    words += ["--max_steps", str(trial.steps), "--seed", str(trial.seed)]
    words += [word for name, value in strategy.flags.items() for word in (f"--{name}", str(value))]
    if not strategy.rehearsal or strategy.rehearsal_labels == "true":
        words += ["--train_data", str(drawn)]
        old_images = ["--rehearsal", str(setting.old_data), "--rehearsal_share", str(strategy.rehearsal)]
        return words + (old_images if strategy.rehearsal else [])
    # Labels of the start are disparity, and true ones depth: mixed on purpose, which --rehearsal refuses.
    shares = {str(drawn): 1 - strategy.rehearsal, str(setting.old_labels): strategy.rehearsal}
    sources = [{"path": path, "weight": weight} for path, weight in shares.items()]
    data = output_dir.parent / "data.yaml"
    atomic_write(data, json.dumps({"train_data": sources}) + "\n")
    return [*words, "--recipe", str(data)]


class StepClock:
    """A callback that notes the CPU time of each step and how many parameters are trained; on a GPU the wall time."""

    def __init__(self) -> None:
        import torch

        self.times: list[float] = []
        self.trained = 0
        self._on_gpu = torch.cuda.is_available() and os.environ.get("ACCELERATE_USE_CPU") != "true"

    def on_step_end(self, *_: Any, model: Any, **__: Any) -> None:
        """Note the time after a step."""
        if self._on_gpu:
            import torch

            torch.cuda.synchronize()
        self.times.append(time.perf_counter() if self._on_gpu else time.process_time())
        self.trained = max(self.trained, sum(each.numel() for each in model.parameters() if each.requires_grad))

    def seconds(self) -> float:
        """Return the median time of a step."""
        steps = np.diff(self.times)
        return float(np.median(steps[FIRST_STEPS:] if len(steps) > FIRST_STEPS else steps)) if len(steps) else 0.0


def fit_command(words: list[str]) -> StepClock:
    """Do what a command does, in this process, with a clock."""
    from depth_anything_hf.recipes import metric, teacher
    from depth_anything_hf.recipes.parser import RecipeParser

    program: Any = metric if words[0] == "finetune" else teacher
    parts = RecipeParser(program.TYPES, verb=words[0], prog=words[0]).parse(words[1:]).parts
    clock = StepClock()
    program.prepare(*parts).fit(callbacks=clock)
    return clock


def score(model: Any, source: str, setting: Setting, *, aligned: bool) -> dict[str, list[float | None]]:
    """Return metrics of each image of a source.

    Args:
        model: folder of a model, or a predictor; one without a `prediction_kind` predicts disparity.
        source: images with depth.
        setting: the depth range.
        aligned: fit scale and shift to the truth first; a metric model's output is also taken as it is.
    """
    from depth_anything_hf.data.sources import open_source
    from depth_anything_hf.evaluation.evaluator import evaluate
    from depth_anything_hf.evaluation.settings import EvaluationSettings

    near, far = setting.depth_range
    predictor = open_predictor(model) if isinstance(model, str | Path) else model
    alignment: Any = "disparity" if aligned else "none"
    settings = EvaluationSettings(min_depth=near, max_depth=far, alignment=alignment)
    dataset: Any = open_source(source)
    kind: Any = getattr(predictor, "prediction_kind", "disparity")
    result = evaluate(predictor, dataset, settings, prediction_kind=kind)
    scores: dict[str, list[float | None]] = {name: [None] * len(dataset) for name in METRICS}
    for row in result.rows:
        for name in METRICS:
            value = row.get(name)
            scores[name][row["index"]] = None if value is None or value != value else round(float(value), DIGITS)
    return scores


def open_predictor(model: str | Path) -> Any:
    """Open a model to be scored, with PyTorch's attention: kernels chosen by measurement differ in the last bits."""
    from depth_anything_hf.inference.predictor import DepthPredictor

    device = "cpu" if os.environ.get("ACCELERATE_USE_CPU") == "true" else None
    return DepthPredictor.from_pretrained(str(model), device=device, batch_size=8, attn_implementation="sdpa")


def _train_and_score(setting: Setting, trial: Trial, run: Path) -> dict[str, Any]:
    began = time.monotonic()
    words = command_of(setting, trial, run)
    clock = fit_command(words)
    result = {
        "trial": asdict(trial),
        "command": words,
        "trained_parameters": clock.trained,
        "seconds_per_step": clock.seconds(),
        "saved_bytes": _saved_bytes(run),
        **_scores(setting, trial, run),
    }
    for each in way_back_trials(setting, trial):
        strategy = BY_NAME[each.strategy]
        mixed = run.with_name(strategy.slug)
        mix_models(str(setting.start_model), run, mixed, strategy.way_back)
        _write(setting, each, {**result, "trial": asdict(each), **_scores(setting, each, mixed)})
    return {**result, "seconds": time.monotonic() - began}


def mix_models(start: str, adapted: Path, output: Path, share: float) -> None:
    """Save a model whose weights lie between two others, as WiSE-FT (arXiv 2109.01903) does.

    Args:
        start: folder of the first.
        adapted: folder of the second, of the same shape.
        output: folder of the mixture.
        share: of the first in each weight.
    """
    from depth_anything_hf import DepthAnythingForDepthEstimation

    first, second = (DepthAnythingForDepthEstimation.from_pretrained(each) for each in (start, adapted))
    weights = first.state_dict()
    second.load_state_dict({name: value.lerp(weights[name], share) for name, value in second.state_dict().items()})
    second.save_pretrained(output)
    shutil.copy(adapted / "preprocessor_config.json", output)


def _score_start(setting: Setting, trial: Trial) -> dict[str, Any]:
    """Score the start in a domain, beside the mean map of the pool, which ignores the image."""
    from depth_anything_hf.data.sources import open_source
    from depth_anything_hf.evaluation.baselines import MeanDisparityMap, as_predictor

    folder = setting.domain_folder(trial.domain)
    result: dict[str, Any] = {"trial": asdict(trial)}
    if setting.start_model is not None and trial.domain != METRIC_DOMAIN:
        result |= {"new": score(setting.start_model, str(folder / "test"), setting, aligned=True)}
        if setting.old_test is not None:
            result |= {"old": score(setting.start_model, setting.old_test, setting, aligned=True)}
    if trial.domain != METRIC_DOMAIN:
        pool: Any = open_source(str(folder / "pool"))
        baseline = as_predictor(MeanDisparityMap().fit(pool[index] for index in range(len(pool))))
        result["mean map"] = score(baseline, str(folder / "test"), setting, aligned=True)
    return result


def _scores(setting: Setting, trial: Trial, model: Path) -> dict[str, Any]:
    """Score a model on images of the new domain, on those that it was trained on, and on the old domain."""
    folder, aligned = setting.domain_folder(trial.domain), trial.domain != METRIC_DOMAIN
    predictor = open_predictor(model)
    held_out = folder / ("tuning" if trial.role == "tune" else "test")
    found: dict[str, Any] = {"new": score(predictor, str(held_out), setting, aligned=aligned)}
    if trial.role != "tune":
        trained_on = draw_images(folder, trial.images, trial.seed)
        found["train"] = score(predictor, str(trained_on), setting, aligned=aligned)
        if setting.old_test is not None and aligned:
            found["old"] = score(predictor, setting.old_test, setting, aligned=aligned)
    return found


def _saved_bytes(run: Path) -> int:
    """Return the size of what has to be kept of a run: its adapters and decoder, or its weights."""
    adapters = run / "adapter"
    files = adapters.rglob("*.safetensors") if adapters.is_dir() else run.glob("*.safetensors")
    return sum(each.stat().st_size for each in files)


def _write(setting: Setting, trial: Trial, result: Mapping[str, Any]) -> None:
    path = result_path(setting, trial)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(result) + "\n")


def _prepare_process(threads: int, use_cpu: bool) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if use_cpu:
        os.environ["ACCELERATE_USE_CPU"] = "true"
    import cv2
    import torch

    from depth_anything_hf.utils.quiet import quiet_libraries

    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    quiet_libraries()
