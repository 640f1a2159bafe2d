# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Write report.html of a quickstart run: scores beside baselines, checks, curves, scenes and photographs.

python examples/quickstart/report.py runs/quickstart-quick --photos runs/quickstart-quick/photographs
"""

from __future__ import annotations

import json
import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np

from depth_anything_hf.data import DepthFolder, PhotoFolder
from depth_anything_hf.evaluation.html_charts import line_chart
from depth_anything_hf.evaluation.html_report import (
    Column,
    Html,
    Margin,
    MetricsRow,
    charts,
    commands,
    margins_table,
    metrics_table,
    picture_rows,
    times_table,
    write_report,
)
from depth_anything_hf.geometry.alignment import align_disparity
from depth_anything_hf.geometry.disparity import depth_to_disparity
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.utils.quiet import quiet_libraries
from depth_anything_hf.visualization.colour_maps import colour_map


ROLES = ("teacher", "student")
MIN_DEPTH, MAX_DEPTH = 0.1, 30.0
COLUMNS = [
    Column("delta1", "δ1"),
    Column("ordinal_accuracy", "ordinal accuracy"),
    Column("abs_rel", "AbsRel, mean"),
    Column("abs_rel_median", "AbsRel, median"),
    Column("clamped_share", "clamped pixels"),
    Column("zero_share", "zero outputs"),
    Column("output_maximum", "largest output"),
]
SUMMARY = (
    "Two small models were trained from random weights on rendered hazy rooms: a teacher on exact depth, and a "
    "student on the teacher's labels only. They are scored on scenes that neither saw, beside predictors that ignore "
    "the image or see only its colours. Useful depth on photographs needs a pretrained encoder: the same recipes "
    "start from facebook/dinov2-small with --encoder_name_or_path."
)
SCORES_NOTE = (
    "Renders of new scenes, aligned in disparity (least squares), depth clamped to 0.1 to 30 m. Ordinal accuracy "
    "needs no alignment: the share of pixel pairs with depths at least 10 % apart that are ordered right."
)


def scores_table(scores: dict[str, Any]) -> Html:
    rows = []
    for name, means in scores["means"].items():
        values = {**means, "abs_rel_median": scores["medians"][name]["abs_rel"]}
        rows.append(MetricsRow(name, values, name if name in ROLES else "baseline"))
    return metrics_table(rows, COLUMNS)


def curves(run: Path) -> Html:
    log = {role: [json.loads(line) for line in (run / role / "log.jsonl").read_text().splitlines()] for role in ROLES}

    def series(key: str) -> dict[str, tuple[list[float], list[float]]]:
        points = {role: [(entry["step"], entry[key]) for entry in log[role] if key in entry] for role in ROLES}
        return {role: ([x for x, _ in points[role]], [y for _, y in points[role]]) for role in ROLES}

    return charts(
        line_chart(series("loss"), title="Training loss"),
        line_chart(series("eval_delta1"), title="δ1 on held-out scenes"),
        line_chart(series("learning_rate_encoder"), title="Learning rate"),
        line_chart(series("output_maximum"), title="Largest output (a runaway would show here)"),
    )


def scene_rows(run: Path, held_out: DepthFolder) -> Html:
    maps = np.load(run / "maps.npz")
    rows = []
    for index in range(0, len(held_out), max(1, len(held_out) // 10)):
        sample = held_out[index]
        truth = sample["depth"]
        limits = [float(value) for value in np.nanpercentile(depth_to_disparity(truth), (1, 99))]
        pictures = [("image", sample["image"]), ("truth", colour_map(depth_to_disparity(truth), *limits))]
        mask = np.isfinite(truth) & (truth >= MIN_DEPTH) & (truth <= MAX_DEPTH)
        for role in ROLES:
            aligned, _ = align_disparity(maps[role][index], truth, mask, MIN_DEPTH, MAX_DEPTH)
            pictures.append((role, colour_map(depth_to_disparity(aligned), *limits)))
        rows.append((f"Scene {index}", pictures))
    return picture_rows(rows, lossless=True)


def photograph_rows(run: Path, photos: Path) -> Html:
    models = {role: DepthPredictor.from_pretrained(run / role) for role in ROLES}
    found = PhotoFolder(photos)
    rows = []
    for index in range(min(8, len(found))):
        image = found[index]["image"]
        predicted = [(role, colour_map(model.predict(image))) for role, model in models.items()]
        rows.append((Path(found.names[index]).name, [("photograph", image), *predicted]))
    return picture_rows(rows, max_side=240)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a quickstart run")
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs")
    arguments = parser.parse_args()
    quiet_libraries()
    run: Path = arguments.run
    scores = json.loads((run / "scores.json").read_text())
    stages = json.loads((run / "stages.json").read_text())
    checks = [
        Margin(row["check"], row["demanded"], f"{row['reached']:+.3f}", row["passed"]) for row in scores["checks"]
    ]
    delta1 = {name: means["delta1"] for name, means in scores["means"].items()}
    scenes = scene_rows(run, DepthFolder(run / "renders-held-out", "depth"))
    path = write_report(
        run / "report.html",
        title="depth_anything_hf quickstart",
        headline=f"δ1: teacher {delta1['teacher']:.3f}, student {delta1['student']:.3f}, mean map "
        f"{delta1['mean map']:.3f}; {sum(row.passed for row in checks)} of {len(checks)} checks passed",
        summary=SUMMARY,
        sections={
            "Scores on held-out scenes": [scores_table(scores), SCORES_NOTE],
            "Checks": margins_table(checks),
            "Training": curves(run),
            "Held-out scenes": [scenes, "Predictions are aligned to the truth; bright is near."],
            "Photographs": [
                photograph_rows(run, arguments.photos),
                "Expect little here: these models have seen hazy rooms of boxes and balls only.",
            ],
            "Time": times_table({name: stage["seconds"] for name, stage in stages.items() if name != "report"}),
            "Commands": commands([shlex.join(stage["command"]) for stage in stages.values()]),
            "What next": f"The student is in {run / 'student'}: it opens with from_pretrained here and in stock "
            "transformers. For real depth start the same recipes from pretrained DINOv2 weights; see README.md.",
        },
    )
    print(f"see {path}")


if __name__ == "__main__":
    main()
