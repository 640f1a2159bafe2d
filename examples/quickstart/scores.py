# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Score the quickstart's teacher and student beside predictors that ignore the image or use only its colours.

    python examples/quickstart/scores.py runs/quickstart-quick

Writes scores.json (means, medians and checks), maps.npz (the predictions) and scores/NAME (the rows of each predictor,
as `evaluate` writes them and `compare` takes them) into the run's folder.
"""

from __future__ import annotations

import io
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from depth_anything_hf.data import DepthFolder
from depth_anything_hf.data.haze import add_haze, sample_haze
from depth_anything_hf.evaluation.baselines import (
    ColourRegression,
    Constant,
    MeanDisparityMap,
    Rows,
    as_predictor,
    shuffle_predictions,
)
from depth_anything_hf.evaluation.evaluator import evaluate
from depth_anything_hf.evaluation.results import EvaluationResult
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.metrics.ordinal import pairwise_agreement
from depth_anything_hf.utils.files import atomic_write
from depth_anything_hf.utils.quiet import quiet_libraries


SETTINGS = EvaluationSettings(min_depth=0.1, max_depth=30.0)
VIEWS_PER_SCENE = 3
ANOTHER = "teacher, on another image"
# Role, reference, least gain in delta1, least gain in ordinal accuracy.
DEMANDS = (
    ("teacher", "mean map", 0.12, 0.10),
    ("teacher", "rows", 0.10, 0.15),
    ("teacher", "colour regression", 0.03, 0.01),
    ("teacher", ANOTHER, 0.12, 0.12),
    ("student", "mean map", 0.10, 0.09),
)
LEAST_AGREEMENT, LARGEST_LOSS = 0.95, 0.04


def apply_haze(renders: DepthFolder) -> Iterator[dict[str, Any]]:
    """Yield training renders as the models saw them, each with one fixed draw of haze."""
    for index in range(len(renders)):
        sample = renders[index]
        haze = sample_haze(np.random.default_rng([1, index]))
        yield {**sample, "image": add_haze(sample["image"], sample["depth"], *haze)}


def score_all(run: Path, held_out: DepthFolder) -> tuple[dict[str, EvaluationResult], dict[str, list[np.ndarray]]]:
    """Return results by predictor, and the maps of teacher and student."""
    training = list(apply_haze(DepthFolder(run / "renders", "depth")))
    predictors: dict[str, Any] = {
        baseline.name: as_predictor(baseline.fit(training))
        for baseline in (Constant(), Rows(), MeanDisparityMap(), ColourRegression())
    }
    maps: dict[str, list[np.ndarray]] = {}
    for role in ("teacher", "student"):
        model = DepthPredictor.from_pretrained(run / role, batch_size=8)
        images = ((str(index), held_out[index]["image"]) for index in range(len(held_out)))
        maps[role] = [np.asarray(prediction.values) for prediction in model(images)]
    for name, values in {ANOTHER: shuffle_predictions(maps["teacher"], shift=VIEWS_PER_SCENE), **maps}.items():
        predictors[name] = as_predictor(partial(lambda left, _: next(left), iter(values)))
    return {name: evaluate(p, held_out, SETTINGS, prediction_kind="disparity") for name, p in predictors.items()}, maps


def check(means: dict[str, dict[str, float]], agreement: float) -> list[dict[str, Any]]:
    """Return what is demanded of a quickstart and what this one reached."""
    checks = []
    for role, reference, *least in DEMANDS:
        for metric, demanded in zip(("delta1", "ordinal_accuracy"), least, strict=True):
            gain = means[role][metric] - means[reference][metric]
            name = f"{role} minus {reference}, {metric}"
            checks.append(
                {"check": name, "demanded": f"≥ {demanded:.2f}", "reached": gain, "passed": gain >= demanded}
            )
    loss = means["teacher"]["delta1"] - means["student"]["delta1"]
    return [
        *checks,
        {
            "check": "student agrees with teacher, ordinal",
            "demanded": f"≥ {LEAST_AGREEMENT}",
            "reached": agreement,
            "passed": agreement >= LEAST_AGREEMENT,
        },
        {
            "check": "student below teacher, delta1",
            "demanded": f"≤ {LARGEST_LOSS}",
            "reached": loss,
            "passed": loss <= LARGEST_LOSS,
        },
    ]


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a quickstart run")
    run: Path = parser.parse_args().run
    quiet_libraries()
    held_out = DepthFolder(run / "renders-held-out", "depth")
    results, maps = score_all(run, held_out)
    pairs = zip(maps["student"], maps["teacher"], range(len(held_out)), strict=True)
    agreement = float(np.mean([pairwise_agreement(s, t, depth=held_out[i]["depth"]) for s, t, i in pairs]))
    means = {name: result.mean for name, result in results.items()}
    checks = check(means, agreement)
    record = {
        "images": len(held_out),
        "means": means,
        "medians": {name: result.median for name, result in results.items()},
        "checks": checks,
    }
    stored = io.BytesIO()
    np.savez_compressed(stored, teacher=np.stack(maps["teacher"]), student=np.stack(maps["student"]))
    atomic_write(run / "maps.npz", stored.getvalue())
    for name, result in results.items():
        result.save(run / "scores" / name.replace(",", "").replace(" ", "-"))
    atomic_write(run / "scores.json", json.dumps(record, indent=2) + "\n")
    for row in checks:
        print(f"{'ok  ' if row['passed'] else 'MISS'} {row['check']}: {row['reached']:+.3f} ({row['demanded']})")


if __name__ == "__main__":
    main()
