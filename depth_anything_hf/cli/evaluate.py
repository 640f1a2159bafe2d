# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`evaluate`: arguments and messages; the work is in `evaluation.runner`."""

from __future__ import annotations

from typing import Any

import typer

from ..evaluation.runner import EvaluationArguments
from ..utils.option_errors import OptionError
from .dataclass_options import command_from
from .launch import LaunchArguments, launch
from .options import LAUNCH_OPTIONS, VerboseOption


PANELS = {
    "What is scored": (
        "model",
        "prediction_kind",
        "protocol",
        "root",
        "data",
        "video",
        "split",
        "limit",
        "max_pixels",
    ),
    "Labels of --data": ("label", "label_column", "image_column", "scale", "encoding"),
    "Scores on --data": ("alignment", "min_depth", "max_depth"),
    "Confidence": ("confidence",),
    "Output": ("output_dir", "overwrite"),
    "Speed": ("batch_size", "input_size", "dtype", "device", "engine"),
    "Processes": LAUNCH_OPTIONS,
}


def _evaluate(
    arguments: EvaluationArguments, launch_arguments: LaunchArguments, *, verbose: VerboseOption = False
) -> Any:
    """Score a model against labelled images at the labels' resolution and print a table.

    Either by a pinned protocol, which fixes crop, range, alignment and metrics and marks every result with its name
    and version, or on your own data with the options below: papers use --max_depth 80 for KITTI and 10 for NYU.
    Without it a metric model is scored up to its own cap.

    Besides the errors after alignment, `ordinal_accuracy` says how often of two random points the nearer one is told,
    which no alignment can flatter. Another split than the protocol's, or --limit, makes the result a "modified" one.

    --confidence adds whether the confidence of `predict --confidence` ranks the errors: `ause_abs_rel` (0: as well as
    the errors themselves), `aurg_abs_rel` (0: no better than chance), and a table of the error by confidence.

    With --output_dir: results.json, a row for every image in per_image.parquet, what a model card takes in
    card_entries.json, and a picture of the best, median and worst images; for a group of protocols such as moge-bundle
    a sub-folder of them for each. They replace those of an earlier evaluation, but your own files of these names only
    with --overwrite. With --num_processes, or started by a launcher, the images are divided over the processes; the
    numbers stay the same.

    With --video: how steady the model is from frame to frame, for each treatment of `predict --temporal`.

    \b
    Examples:
      depth-anything-hf evaluate runs/student --data scenes-test/
      depth-anything-hf evaluate depth-anything/Depth-Anything-V2-Small-hf --protocol nyu --root nyu/ -o results/nyu
      depth-anything-hf evaluate runs/student --data frames/ --scale 1000 --max_depth 10
      depth-anything-hf evaluate runs/student --protocol moge-bundle --root moge/ --num_processes 8
      depth-anything-hf evaluate student.onnx --data scenes-test/
      depth-anything-hf evaluate runs/student --video clip.mp4
      depth-anything-hf evaluate runs/student --data scenes-test/ --confidence -o results/

    \b
    In Python:
      depth_anything_hf.evaluation.runner.run(EvaluationArguments("runs/student", data="scenes-test/"), tell=print)
    """
    if (
        arguments.video is not None
        and max(launch_arguments.num_processes or 1, launch_arguments.num_machines or 1) > 1
    ):
        raise OptionError("--num_processes cannot be combined with --video: its frames come one after the other")
    launch(launch_arguments)
    from ..evaluation.runner import run
    from ..utils.quiet import quiet_libraries

    quiet_libraries(verbose)
    if arguments.video is not None:
        from ..evaluation.clip_runner import run_clip

        return run_clip(arguments, tell=typer.echo)
    results = run(arguments, tell=typer.echo)
    if not any(result.rows for result in results.values()):
        raise typer.Exit(1)
    return results


evaluate = command_from(
    _evaluate,
    EvaluationArguments,
    LaunchArguments,
    positional={"model": "Depth model or exported file to score; may also be given by --model."},
    short={"model": "-m", "output_dir": "-o"},
    panels=PANELS,
)
