# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A whole evaluation from its arguments: open model and data, score on all processes, save. Of command and example."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..utils.option_errors import check_choice, check_count, option_errors
from ..utils.typed_fields import convert_fields, require_ranges


if TYPE_CHECKING:
    import torch

    from ..geometry.disparity import PredictionKind
    from ..inference.predictor import DepthPredictor
    from .own_metrics import OwnMetric
    from .results import EvaluationResult
    from .settings import EvaluationSettings

logger = logging.getLogger(__name__)

ALSO_OF_VIDEOS = ("min_depth", "max_depth")
# What a protocol decides by itself.
FIXED_BY_PROTOCOL = (
    "label",
    "scale",
    "encoding",
    "label_column",
    "image_column",
    "alignment",
    "min_depth",
    "max_depth",
)


@dataclass
class EvaluationArguments:
    """What is scored on what, and how; the flags of `evaluate`."""

    model: str = field(metadata={"help": "Depth model: an id on the Hub, a folder, or a file of `export`."})
    data: str | None = field(
        default=None, metadata={"help": "Your labelled folder, table (parquet, arrow, JSON), or dataset id."}
    )
    video: str | None = field(
        default=None,
        metadata={
            "help": "A video, a folder of frames, or a clip of `render --clip`: how steady the predictions are from "
            "frame to frame, under each temporal treatment; with the depth of a rendered clip also how right."
        },
    )
    protocol: str | None = field(
        default=None,
        metadata={"help": "A pinned benchmark, with --root: nyu, kitti, da-2k, moge-bundle, ... (see `datasets`)."},
    )
    root: str | None = field(
        default=None, metadata={"help": "Folder of the benchmark's files as they were downloaded."}
    )
    output_dir: str | None = field(default=None, metadata={"help": "Folder for the results. [not saved]"})
    overwrite: bool = field(
        default=False,
        metadata={"help": "Replace files in the output folder that no earlier evaluation has written, too."},
    )
    label: str | None = field(default=None, metadata={"help": "depth or disparity. [what the data has, depth first]"})
    label_column: str | None = field(
        default=None, metadata={"help": "Column of the labels, for tables; topic of a bag of ROS. [depth, disparity]"}
    )
    image_column: str | None = field(
        default=None, metadata={"help": "Column of the images, for tables; topic of a bag of ROS. [image]"}
    )
    scale: float | None = field(
        default=None,
        metadata={"help": "Stored units per metre of integer labels: 1000 for millimetres, 256 for KITTI."},
    )
    encoding: str | None = field(
        default=None,
        metadata={
            "help": "How the labels are written, in place of --scale: mm, kitti, sunrgbd, exr:channel=Z, ... (see "
            "`encodings`). [what a file proves]"
        },
    )
    split: str | None = field(
        default=None, metadata={"help": "Split of a dataset that has several. [train; the protocol's]"}
    )
    limit: int | None = field(default=None, metadata={"help": "Use only the first N images."})
    alignment: str | None = field(
        default=None,
        metadata={
            "help": "disparity: fit scale and shift of each image in disparity, as papers do for relative models; "
            "depth, median: fit in depth, or its scale by the median; none: compare metres with metres. "
            "[none for a metric model and metric labels, else disparity]"
        },
    )
    min_depth: float | None = field(
        default=None,
        metadata={"help": "Minimum depth in metres; nearer label pixels are ignored. [0.001; the protocol's]"},
    )
    max_depth: float | None = field(
        default=None,
        metadata={
            "help": "Maximum depth in metres; farther label pixels and sky are ignored. "
            "[a metric model's own, else 80; the protocol's]"
        },
    )
    max_pixels: int | None = field(
        default=None,
        metadata={
            "help": "Largest number of pixels of an image or label; raise it where you trust them. [179 million]"
        },
    )
    batch_size: int | None = field(
        default=None, metadata={"help": "Images of one size per forward pass. [8, on a CPU 1]"}
    )
    input_size: int | None = field(
        default=None,
        metadata={"help": "Side that images are resized to, a multiple of 14; larger is slower. [the model's]"},
    )
    prediction_kind: str | None = field(
        default=None,
        metadata={
            "help": "What the model predicts, disparity or depth (in metres), where its configuration does not say, "
            "as DPT's. [the configuration's, else disparity]"
        },
    )
    confidence: bool = field(
        default=False,
        metadata={
            "help": "Score the confidence too: does it rank the errors (AUSE, AURG), and how large are they where it "
            "is low? Takes about 2.5 times as long."
        },
    )
    dtype: str | None = field(
        default=None, metadata={"help": "float32, bfloat16 or float16; bfloat16 is faster. [the model's]"}
    )
    engine: str | None = field(
        default=None,
        metadata={
            "help": "What computes a Depth Anything model on a CPU: torch, openvino, onnxruntime, or auto: OpenVINO "
            "where it is installed, else torch. Results name it. [torch; an exported file's own]"
        },
    )
    device: str | None = field(
        default=None, metadata={"help": "cuda, cuda:1, mps or cpu. [the fastest; one GPU for each process]"}
    )

    def __post_init__(self) -> None:
        convert_fields(self)
        if self.video is not None:
            _check_video(self)
        elif (self.data is None) == (self.protocol is None) or (self.protocol is None) != (self.root is None):
            raise ValueError(
                "give data, or protocol and root (`depth-anything-hf datasets` lists the protocols), or video"
            )
        fixed = [name for name in FIXED_BY_PROTOCOL if getattr(self, name) is not None]
        if self.protocol is not None and fixed:
            raise ValueError(f"{', '.join(fixed)} cannot be combined with protocol, which fixes it")
        for name in ("limit", "batch_size", "max_pixels"):
            if getattr(self, name) is not None:
                check_count(f"--{name}", getattr(self, name))
        require_ranges(self, {"[1, inf)": ("input_size",), "(0, inf)": ("min_depth", "max_depth")})


def _check_video(arguments: EvaluationArguments) -> None:
    others = ("data", "protocol", "root", "split", "confidence", *FIXED_BY_PROTOCOL)
    given = [name for name in others if name not in ALSO_OF_VIDEOS and getattr(arguments, name) not in (None, False)]
    if given:
        raise ValueError(f"{', '.join(given)} cannot be combined with video")


def run(
    arguments: EvaluationArguments,
    tell: Callable[[str], object] | None = None,
    metrics: Mapping[str, OwnMetric] | None = None,
) -> dict[str, EvaluationResult]:
    """Score a model by a protocol, by all of a group, or on your own labelled images, and save the results.

    Call it in every process of a launch: the images are divided over them, and each gets the whole result.

    Args:
        arguments: what is scored on what.
        tell: called on the main process with each table and message, e.g. `print`; None tells nothing.
        metrics: further metrics, see `evaluator.evaluate`.

    Returns:
        The result of each dataset, by the protocol's name or `data`. A result may have no rows.

    Raises:
        ValueError: arguments, model and data do not fit.
        FileNotFoundError: files of the data are missing; the message lists the first of them.
        FileExistsError: the output folder has files of the results' names that no evaluation has written.
        OSError: the output folder takes no files.
    """
    from ..utils.processes import own_accelerate_state

    if arguments.video is not None:
        raise ValueError("expected labelled images, got a video; use evaluation.clip_runner.run_clip")
    with own_accelerate_state():
        return _run(arguments, tell, metrics)


def _run(
    arguments: EvaluationArguments, tell: Callable[[str], object] | None, metrics: Mapping[str, OwnMetric] | None
) -> dict[str, EvaluationResult]:
    from ..inference.devices import usable_device
    from ..inference.engines import is_exported_file
    from ..metrics.table import ALIGNMENTS
    from ..utils.processes import leave_group_at_exit, make_accelerator
    from .evaluator import evaluate_on_all_processes
    from .protocols import PROTOCOL_GROUPS
    from .reports import save_report
    from .results import description_of, summary_of_sets
    from .settings import beyond_the_model, settings_for

    # Before data and model are opened, which may take minutes.
    usable_device(arguments.device)
    check_choice("alignment", arguments.alignment, (*ALIGNMENTS, None))
    opened, missing = _open(arguments)
    if arguments.confidence and any(protocol and protocol.scores_pairs for _, protocol in opened.values()):
        raise ValueError(f"confidence is scored against dense labels, and {arguments.protocol} has point pairs")
    is_group = arguments.protocol in PROTOCOL_GROUPS
    folders = {name: Path(arguments.output_dir or "", name if is_group else "") for name in opened}
    if arguments.output_dir is not None:
        _check_output(arguments, folders.values())
    accelerator = make_accelerator()
    # Exported files run on the CPU, whatever else there is.
    device = arguments.device or (None if is_exported_file(arguments.model) else accelerator.device)
    predictor, own_cap = open_predictor(arguments, device)
    results = {}
    for name, (dataset, protocol) in opened.items():
        chosen = {name: getattr(arguments, name) for name in ("alignment", "min_depth", "max_depth")}
        with option_errors():
            settings = protocol or settings_for(predictor.prediction_kind, dataset.label, own_cap, **chosen)
        beyond = beyond_the_model(settings, own_cap) if dataset.label == "depth" else ""
        if beyond and accelerator.is_main_process:
            logger.warning(beyond)
        results[name] = result = evaluate_on_all_processes(
            predictor,
            dataset,
            settings,
            prediction_kind=predictor.prediction_kind,
            accelerator=accelerator,
            progress=True,
            metrics=metrics,
        )
        if accelerator.is_main_process:
            made_with = description_of(predictor, arguments.model, settings, arguments.split, arguments.limit)
            messages = [result.table(made_with)]
            if arguments.output_dir is not None:
                save_report(folders[name], result, dataset, predictor, made_with, overwrite=arguments.overwrite)
                messages.append(f"saved to {folders[name]}")
            if tell is not None:
                tell("\n".join(messages))
    if accelerator.is_main_process and is_group and tell is not None:
        tell(summary_of_sets(results, missing))
    leave_group_at_exit()
    return results


def open_predictor(
    arguments: EvaluationArguments, device: str | torch.device | None
) -> tuple[DepthPredictor, float | None]:
    """Open the model of the arguments.

    Args:
        arguments: of the evaluation.
        device: for the model; None: the fastest.

    Returns:
        The predictor, and a metric model's own maximum depth in metres; None where it has none.
    """
    from ..geometry.depth_units import max_depth_in_metres
    from ..inference.predictor import DepthPredictor

    predictor = DepthPredictor.from_pretrained(
        arguments.model,
        device=device,
        dtype=arguments.dtype,
        engine=arguments.engine,
        batch_size=arguments.batch_size,
        input_size=arguments.input_size,
        prediction_kind=cast("PredictionKind | None", arguments.prediction_kind),
        confidence=arguments.confidence,
    )
    return predictor, max_depth_in_metres(predictor.model.config) if predictor.prediction_kind == "depth" else None


def _check_output(arguments: EvaluationArguments, folders: Iterable[Path]) -> None:
    """Refuse an output that would replace the user's files, or lie among the images, before anything is predicted."""
    from ..utils.outputs import lies_in
    from .reports import REPORT_FILES
    from .result_files import check_results_folder

    for folder in folders:
        if arguments.data is not None and lies_in(folder, Path(arguments.data)):
            raise ValueError(
                f"--output_dir {arguments.output_dir} lies in the data, {arguments.data}, where the next "
                "command would take the results for data; choose a folder outside of it"
            )
        check_results_folder(folder, REPORT_FILES, overwrite=arguments.overwrite)


def _open(arguments: EvaluationArguments) -> tuple[dict[str, tuple[Any, EvaluationSettings | None]], dict[str, str]]:
    """Return datasets and protocols by name, and the sets of a group that are not there, with the reason."""
    if arguments.protocol is not None and arguments.root is not None:
        from .datasets import open_benchmarks

        opened, missing = open_benchmarks(
            arguments.protocol, arguments.root, arguments.split, arguments.limit, arguments.max_pixels
        )
        return {**opened}, missing
    from ..data.sources import DataSource, open_source

    with option_errors():
        source = DataSource(
            str(arguments.data),
            label=arguments.label,
            scale=arguments.scale,
            encoding=arguments.encoding,
            split=arguments.split or "train",
            image_column=arguments.image_column or "image",
            label_column=arguments.label_column,
            limit=arguments.limit,
            max_pixels=arguments.max_pixels,
        )
    dataset = open_source(source)
    if dataset.label is None:
        raise ValueError(f"{arguments.data} has images but no depth or disparity labels to score against")
    return {str(arguments.data): (dataset, None)}, {}
