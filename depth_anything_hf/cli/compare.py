# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`compare`: arguments and messages; the work is in `evaluation.comparison_runner`."""

from __future__ import annotations

from typing import Any

import typer

from ..evaluation.comparison_runner import ComparisonArguments
from .dataclass_options import command_from
from .launch import LaunchArguments, launch
from .options import LAUNCH_OPTIONS, VerboseOption


PANELS = {
    "What is compared": (
        "models",
        "baseline",
        "metric",
        "prediction_kind",
        "protocol",
        "root",
        "data",
        "split",
        "limit",
        "max_pixels",
    ),
    "Labels of --data": ("label", "label_column", "image_column", "scale", "encoding"),
    "Scores on --data": ("alignment", "min_depth", "max_depth"),
    "Confidence": ("confidence",),
    "Output": ("output_dir", "pictures", "overwrite"),
    "Speed": ("batch_size", "input_size", "dtype", "device", "engine"),
    "Processes": LAUNCH_OPTIONS,
}


def _compare(
    arguments: ComparisonArguments, launch_arguments: LaunchArguments, *, verbose: VerboseOption = False
) -> Any:
    """Compare models on the same labelled images: which is better, by how much, and how sure that is.

    Every model is scored as `evaluate` does, by the same rules, and the scores are compared image by image on the
    images that all could do; others are named. The table has the mean of each metric with its 95 % interval, the
    difference to the first model (or --baseline) with its own, and the probability that the model is better: the share
    of 1,000 samples of the images, the same for all models, in which it is.

    Folders that `evaluate --output_dir` has filled are taken as they are; of those alone no data is needed. On --data
    without them, metres are compared with metres if every model is metric, else all are aligned in disparity.

    With --output_dir: comparison.html, a page with table, chart and the images on which the models differ most;
    comparison.json, with the numbers of every image; and evaluations/, the results of each model, which a later
    comparison can take in its place. Your own files of these names are replaced only with --overwrite.

    \b
    Examples:
      depth-anything-hf compare runs/teacher runs/student --data scenes-test/ -o comparison/
      depth-anything-hf compare results/nyu-small results/nyu-base
      depth-anything-hf compare comparison/evaluations/teacher student.onnx --data scenes-test/
      depth-anything-hf compare runs/student depth-anything/Depth-Anything-V2-Small-hf --protocol nyu --root nyu/

    \b
    In Python:
      from depth_anything_hf.evaluation import ComparisonArguments, run_comparison
      run_comparison(ComparisonArguments(["runs/a", "runs/b"], data="scenes-test/"), tell=print)
    """
    launch(launch_arguments)
    from ..evaluation.comparison_runner import run_comparison
    from ..utils.quiet import quiet_libraries

    quiet_libraries(verbose)
    return run_comparison(arguments, tell=typer.echo)


compare = command_from(
    _compare,
    ComparisonArguments,
    LaunchArguments,
    positional={"models": "Models, exported files or results of `evaluate`, at least two; also by --models, each."},
    short={"models": "-m", "output_dir": "-o"},
    panels=PANELS,
)
