# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`pseudo-label`: arguments and messages; the work is in `pseudo_labels.runner`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from ..pseudo_labels.ray_arguments import RayArguments
from ..pseudo_labels.runner import LabelArguments, number_of_process, number_of_processes
from ..utils.messages import counted
from .dataclass_options import command_from
from .labels import tell_push
from .launch import LaunchArguments, launch, started_by
from .options import LAUNCH_OPTIONS, VerboseOption, report_failures


if TYPE_CHECKING:
    from ..pseudo_labels.report import LabelReport

PANELS = {
    "Teacher and images": (
        *("teacher", "prediction_kind", "data", "split", "image_column", "limit", "streaming", "max_pixels"),
        *("cache_size", "read_timeout"),
    ),
    "Second teacher": (
        *("scale_teacher", "scale_prediction_kind", "scale_input_size", "fit_tolerance", "least_inliers"),
    ),
    "Masks": ("masks", "sky_teacher", "teachers_threshold", "flip_threshold", "sky_threshold"),
    "Labels": (
        *("output_dir", "input_size", "flip_averaging", "encoding", "store_images", "shard_size"),
        *("seed", "keep_order", "max_broken_share"),
    ),
    "Speed": ("batch_size", "dtype", "device", "engine", "compile", "window_batches"),
    "Hub": (
        "push_to_hub",
        "hub_private_repo",
        "image_license",
        "teacher_license",
        "scale_teacher_license",
        "sky_teacher_license",
    ),
    "Processes": (*LAUNCH_OPTIONS, "process_index", "process_count"),
    "Cluster": ("scheduler", "address", "min_actors", "max_actors", "cores_per_actor"),
}


def _pseudo_label(
    arguments: LabelArguments,
    launch_arguments: LaunchArguments,
    ray_arguments: RayArguments,
    *,
    verbose: VerboseOption = False,
) -> Any:
    """Label photographs with a teacher's disparity, into parquet shards for training.

    Run the same command again to resume an interrupted run. With --num_processes, or started
    by accelerate, torchrun or srun, every process takes its share of the shards. With
    --scheduler ray the actors of a Ray cluster do, which Ray replaces when they are lost.

    \b
    Examples:
      depth-anything-hf pseudo-label photos/ --teacher runs/teacher --output_dir labels/
      depth-anything-hf pseudo-label photos/ --teacher runs/teacher -o labels/ --num_processes 8 --dtype bfloat16
      depth-anything-hf pseudo-label someone/photographs --streaming --teacher runs/teacher -o labels/
      depth-anything-hf pseudo-label s3://bucket/photos/ --streaming --teacher runs/teacher -o labels/
      depth-anything-hf pseudo-label photos/ --teacher A --scale_teacher METRIC --masks sky,teachers,flip -o labels/
      depth-anything-hf pseudo-label /shared/photos -m /shared/teacher -o /shared/labels --scheduler ray --address auto
      srun depth-anything-hf pseudo-label photos/ --teacher runs/teacher -o labels/
      depth-anything-hf verify labels/

    \b
    In Python:
      depth_anything_hf.pseudo_labels.runner.label(LabelArguments("runs/teacher", "photos/", "labels/"))
      depth_anything_hf.pseudo_labels.fuse_labels(disparity, metres)  # one picture by two teachers
      datasets.load_dataset("labels/", split="train")
      depth_anything_hf.data.open_source("labels/")[0]["disparity"]
    """
    if ray_arguments.scheduler is None:
        _require_one_division(arguments, launch_arguments)
        launch(launch_arguments)
    else:
        _require_one_process(launch_arguments)
    from ..pseudo_labels.runner import label, push
    from ..utils.quiet import quiet_libraries

    quiet_libraries(verbose)
    if ray_arguments.scheduler is None:
        report = label(arguments)
    else:
        from ..pseudo_labels.ray_driver import label_on_ray

        report = label_on_ray(arguments, ray_arguments)
    place = f"process {arguments.process_index}: " if arguments.process_count > 1 else ""
    where = f"in {counted(len(report.shards), 'shard')}, see {arguments.output_dir} (of {report.taken})"
    if report.labelled_now == report.labelled:
        typer.echo(f"{place}{counted(report.labelled, 'image')} labelled {where}")
    elif report.labelled_now:
        typer.echo(
            f"{place}{counted(report.labelled_now, 'image')} labelled now, {report.labelled} with earlier runs {where}"
        )
    else:
        were = f"{counted(report.labelled, 'image')} {'was' if report.labelled == 1 else 'were'}"
        typer.echo(f"{place}nothing left to do: {were} labelled before {where}")
    if report.bad_fits:
        typer.echo(
            f"{place}{counted(report.bad_fits, 'label')} with a bad fit of the two teachers (fit_ok false): kept with "
            f"the scale teacher's own prediction; training leaves them out{_advice_on_fits(report)}"
        )
    report_failures(report.skipped, report.labelled + len(report.skipped))
    if arguments.push_to_hub is not None:
        tell_push(arguments.output_dir, lambda: push(arguments))
    return report


def _advice_on_fits(report: LabelReport) -> str:
    """Return what to do where most fits are bad, which is the teachers' fault and not that of single images."""
    if report.bad_fits <= 0.5 * report.labelled:
        return ""
    return (
        ". That is most of them: one teacher does not suit these images, or is taken for another kind than it is "
        "(--prediction_kind, --scale_prediction_kind; a fit_scale below 0 says so). Predict some by each and look"
    )


def _require_one_process(launch_arguments: LaunchArguments) -> None:
    """Refuse several processes that would each hand all shards to the cluster."""
    launcher = started_by()
    if launch_arguments.given or launcher is not None:
        how = f"was started by {launcher}" if launcher else f"has --{next(iter(launch_arguments.given))}"
        raise typer.BadParameter(
            f"--scheduler ray starts its actors itself, but this command {how}: start it once, by itself"
        )


def _require_one_division(arguments: LabelArguments, launch_arguments: LaunchArguments) -> None:
    """Refuse a share by hand among processes that this command starts: all of them would label that share."""
    launcher = started_by()
    if launcher is None:
        several = max(launch_arguments.num_processes or 1, launch_arguments.num_machines or 1) > 1
    else:
        several = launcher == "depth-anything-hf" and number_of_processes() > 1
    by_hand = (arguments.process_index, arguments.process_count) != (number_of_process(), number_of_processes())
    if several and by_hand:
        raise typer.BadParameter(
            "--process_index and --process_count cannot be combined with --num_processes, --num_machines and "
            "--accelerate_config, which give each process its share"
        )


pseudo_label = command_from(
    _pseudo_label,
    LabelArguments,
    LaunchArguments,
    RayArguments,
    positional={"data": "Images to label; may also be given by --data."},
    short={"teacher": "-m", "output_dir": "-o"},
    panels=PANELS,
)
