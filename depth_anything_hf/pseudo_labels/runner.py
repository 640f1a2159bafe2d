# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A whole labelling run from its arguments: open teacher and images, label, push. Of command and example."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..utils.environment import environment_number
from ..utils.option_errors import OptionError, check_count, option_errors
from ..utils.redaction import redact_text
from ..utils.typed_fields import convert_fields, require_ranges
from .fusion_settings import FusionSettings, check_teachers, check_used


if TYPE_CHECKING:
    from ..data.depth_stream import DepthStream
    from ..data.samples import SampleDataset
    from ..geometry.disparity import PredictionKind
    from ..inference.predictor import DepthPredictor
    from .fill_shards import ShardLabeller
    from .report import LabelReport


def number_of_process() -> int:
    """Return which of the processes of a launch this is, from 0."""
    return environment_number("RANK", "SLURM_PROCID")


def number_of_processes() -> int:
    """Return how many processes a launch has."""
    # Of Slurm's counts only that of a step will do: SLURM_NTASKS is the job's, also for a single process that a batch
    # script starts by itself.
    return environment_number("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", default=1, at_least=1)


@dataclass
class LabelArguments:
    """Teacher, images and output of a labelling run; the flags of `pseudo-label`."""

    teacher: str = field(
        metadata={"help": "Depth model that labels the images: an id on the Hub, a folder, or a file of `export`."}
    )
    data: str = field(
        metadata={
            "help": "Folder of images, table (parquet, arrow, JSON), tar shards, dataset id, or, with --streaming, "
            "URL of tables (hf://, s3://, https://: folder, pattern, {000..999}, list); labels that it may have are "
            "not used."
        }
    )
    output_dir: str = field(metadata={"help": "Folder of the shards; created if missing."})
    scale_teacher: str | None = field(
        default=None,
        metadata={
            "help": "Second depth model, whose scale the labels get: metres of a metric one, else its own scale. The "
            "teacher's disparity, with its detail, is fitted to it for each image."
        },
    )
    scale_prediction_kind: str | None = field(
        default=None, metadata={"help": "As --prediction_kind, of the scale teacher. [the configuration's]"}
    )
    scale_input_size: int | None = field(
        default=None, metadata={"help": "As --input_size, of the scale teacher. [its own]"}
    )
    fit_tolerance: float = field(
        default=FusionSettings.fit_tolerance,
        metadata={"help": "Relative residual within which a pixel counts as fitted."},
    )
    least_inliers: float = field(
        default=FusionSettings.least_inliers,
        metadata={
            "help": "Share of such pixels below which the fit is bad: the row is kept with fit_ok false and the scale "
            "teacher's own prediction, and training leaves it out."
        },
    )
    masks: str | None = field(
        default=None,
        metadata={
            "help": "Masks to store, with commas: sky; teachers (the two disagree after the fit); flip (the "
            "prediction of the mirrored image disagrees; one more pass)."
        },
    )
    sky_teacher: str | None = field(
        default=None,
        metadata={
            "help": "Model of semantic segmentation with a class called sky (as of ADE20K or Cityscapes), for the "
            "mask sky. [with a metric scale teacher for outdoors: what both teachers see far and smooth]"
        },
    )
    teachers_threshold: float = field(
        default=FusionSettings.teachers_threshold,
        metadata={"help": "Relative difference of the two teachers' disparity from where on the mask is set."},
    )
    flip_threshold: float = field(
        default=FusionSettings.flip_threshold,
        metadata={"help": "Disagreement with the mirrored image from where on the mask is set."},
    )
    sky_threshold: float = field(
        default=FusionSettings.sky_threshold,
        metadata={"help": "Probability of sky, of the sky teacher, from where on the mask is set."},
    )
    split: str = field(default="train", metadata={"help": "Split of a dataset that has several."})
    image_column: str = field(default="image", metadata={"help": "Column of the images, for tables."})
    streaming: bool = field(
        default=False,
        metadata={"help": "Read parquet or tar shards, here or on the Hub, one by one; each is a unit of work."},
    )
    cache_size: str = field(
        default="20GB",
        metadata={"help": "With --streaming: bytes that copies of remote shards may take on the disk; 0 keeps none."},
    )
    read_timeout: float = field(
        default=30,
        metadata={"help": "With --streaming: seconds without data after which a remote shard counts as stalled."},
    )
    limit: int | None = field(
        default=None, metadata={"help": "Use only the first N images; cannot be combined with streaming."}
    )
    batch_size: int | None = field(
        default=None, metadata={"help": "Images of one size per forward pass. [8, on a CPU 1]"}
    )
    window_batches: int = field(
        default=16,
        metadata={"help": "Batches of images buffered to group equal sizes; raise it for very mixed sizes."},
    )
    input_size: int | None = field(
        default=None,
        metadata={
            "help": "Side that images are resized to, a multiple of 14; twice the teacher's own gives sharper labels, "
            "slowly. [the teacher's]"
        },
    )
    prediction_kind: str | None = field(
        default=None,
        metadata={
            "help": "What the teacher predicts, disparity or depth (in metres), where its configuration does not say, "
            "as DPT's. [the configuration's, else disparity]"
        },
    )
    flip_averaging: bool = field(
        default=False, metadata={"help": "Average with the prediction of the mirrored image; twice the time."}
    )
    dtype: str | None = field(
        default=None, metadata={"help": "float32, bfloat16 or float16; bfloat16 is faster. [the teacher's]"}
    )
    engine: str | None = field(
        default=None,
        metadata={
            "help": "What computes a Depth Anything model on a CPU: torch, openvino, onnxruntime, or auto: OpenVINO "
            "where it is installed, else torch. Labels of a run are of one engine. [torch; an exported file's own]"
        },
    )
    compile: bool = field(
        default=False, metadata={"help": "Compile the teacher: a minute for each size first, then faster."}
    )
    device: str | None = field(
        default=None, metadata={"help": "cuda, cuda:1, mps or cpu. [the fastest; one GPU for each process]"}
    )
    shard_size: int = field(default=256, metadata={"help": "Images per parquet file."})
    seed: int = field(
        default=0, metadata={"help": "Of the permutation of the images over the shards; streams keep their order."}
    )
    keep_order: bool = field(
        default=False,
        metadata={"help": "Write images in their own order. Shards of sorted photographs then mix badly in training."},
    )
    store_images: str = field(
        default="bytes",
        metadata={"help": "bytes: embed the image files in the shards; reference: store their paths or URLs."},
    )
    encoding: str = field(
        default="auto",
        metadata={"help": "16-bit code of the disparity: linear, log, or auto (log for metric teachers)."},
    )
    max_pixels: int | None = field(
        default=None,
        metadata={"help": "Largest number of pixels of an image; raise it for files you trust. [179 million]"},
    )
    max_broken_share: float = field(
        default=0.1, metadata={"help": "Abort when more than this share of the images cannot be read."}
    )
    push_to_hub: str | None = field(
        default=None,
        metadata={"help": "owner/name: push all to this dataset on the Hub when no shard is missing."},
    )
    hub_private_repo: bool = field(default=False, metadata={"help": "Create the repository as private."})
    image_license: str | None = field(
        default=None, metadata={"help": "License of the images for the card, e.g. cc-by-4.0. [unknown]"}
    )
    teacher_license: str | None = field(
        default=None,
        metadata={"help": "License of the teacher's weights for the card, e.g. apache-2.0. [unknown]"},
    )
    scale_teacher_license: str | None = field(
        default=None, metadata={"help": "License of the scale teacher's weights for the card. [unknown]"}
    )
    sky_teacher_license: str | None = field(
        default=None, metadata={"help": "License of the sky teacher's weights for the card. [unknown]"}
    )
    process_index: int = field(
        default_factory=number_of_process,
        metadata={"help": "Rank of this process, from 0. [RANK, or that of srun, else 0]"},
    )
    process_count: int = field(
        default_factory=number_of_processes,
        metadata={"help": "Number of processes that share the work. [WORLD_SIZE, or the tasks of srun, else 1]"},
    )

    def __post_init__(self) -> None:
        convert_fields(self)
        for name in ("batch_size", "limit", "max_pixels", "shard_size", "window_batches", "process_count"):
            value = getattr(self, name)
            if value is not None:
                check_count(f"--{name}", value)
        sizes, counts = ("input_size", "scale_input_size"), ("seed", "process_index")
        require_ranges(self, {"[1, inf)": sizes, "[0, inf)": counts, "[0, 1]": ("max_broken_share",)})
        self._check_teachers()
        if self.engine == "ray":
            raise OptionError("--engine says what computes a pass; on a Ray cluster give --scheduler ray in its place")
        if self.keep_order and self.seed != 0:
            raise ValueError(f"keep_order permutes nothing, but seed {self.seed} was given: leave one of them out")

    @property
    def fusion(self) -> FusionSettings:
        """When the fit of two teachers is bad, and the thresholds of the masks."""
        return FusionSettings(
            self.fit_tolerance, self.least_inliers, self.teachers_threshold, self.flip_threshold, self.sky_threshold
        )

    def _check_teachers(self) -> None:
        from ..data.decoding.label_masks import parse_mask_names

        with option_errors():
            masks = parse_mask_names(self.masks)
            check_teachers(masks, self.scale_teacher is not None, self.sky_teacher is not None)
            _ = self.fusion
        check_used(self, masks)


def label(arguments: LabelArguments) -> LabelReport:
    """Label the share of this process; a repeated call resumes an interrupted one.

    Processes do not wait for each other: their shares differ, and a barrier would time out.

    Args:
        arguments: teacher, images and output.

    Returns:
        What this process's shards hold, those of an earlier call included.

    Raises:
        ValueError: arguments, teacher and data do not fit, or see `label_images`.
        OSError: no such data or teacher, or a shard cannot be written.
    """
    from .fill_shards import finish_share

    index, count = arguments.process_index, arguments.process_count
    return finish_share(open_labeller(arguments), index, count, progress=index == 0)


def open_photographs(arguments: LabelArguments) -> SampleDataset | DepthStream:
    """Open the images of a run, after a check of the arguments that do not concern the teacher.

    Raises:
        ValueError: arguments that do not fit each other or the data.
        OSError: no such data, or no folder can be made for the labels.
    """
    from ..data.sources import DataSource, open_source
    from ..hub.licenses import check_known_license
    from .provenance import TEACHERS, check_labels_folder
    from .run_options import check_options

    check_options(
        arguments.shard_size,
        arguments.process_index,
        arguments.process_count,
        arguments.store_images,
        arguments.encoding,
    )
    for part in TEACHERS:
        if getattr(arguments, part) is not None:
            check_known_license(part, getattr(arguments, part), getattr(arguments, f"{part}_license"))
    check_labels_folder(Path(arguments.output_dir))
    with option_errors():
        source = DataSource(
            arguments.data,
            kind="photos",
            split=arguments.split,
            image_column=arguments.image_column,
            limit=arguments.limit,
            streaming=arguments.streaming,
            cache_size=arguments.cache_size,
            read_timeout=arguments.read_timeout,
            max_pixels=arguments.max_pixels,
        )
    return open_source(source)


def open_labeller(arguments: LabelArguments) -> ShardLabeller:
    """Open images and teachers of a run; what is returned labels any of its shards.

    Raises:
        ValueError: arguments, teacher and data do not fit, or see `ShardLabeller`.
        OSError: no such data or teacher, or a folder cannot be written.
    """
    from ..data.decoding.label_masks import parse_mask_names
    from ..inference.devices import usable_device
    from .fill_shards import ShardLabeller
    from .provenance import describe_scale_teacher, describe_sky_teacher, describe_teacher

    usable_device(arguments.device)
    dataset = open_photographs(arguments)
    predictor = _open_teacher(arguments, arguments.teacher, arguments.input_size, arguments.prediction_kind)
    scale_predictor, sky_segmenter = None, None
    further: dict[str, Any] = {}
    if arguments.scale_teacher is not None:
        name, size = arguments.scale_teacher, arguments.scale_input_size
        scale_predictor = _open_teacher(arguments, name, size, arguments.scale_prediction_kind)
        further |= describe_scale_teacher(scale_predictor, name)
    if arguments.sky_teacher is not None:
        from ..inference.sky_segmentation import SkySegmenter

        # An engine other than PyTorch is for Depth Anything's models.
        device = arguments.device if arguments.device is not None else predictor.device
        sky_segmenter = SkySegmenter.from_pretrained(arguments.sky_teacher, device=device, dtype=arguments.dtype)
        further |= describe_sky_teacher(sky_segmenter, arguments.sky_teacher)
    folder = Path(arguments.data)
    provenance = {
        **describe_teacher(predictor, arguments.teacher),
        **further,
        "data": folder.resolve().name if folder.exists() else redact_text(arguments.data),
        "split": arguments.split,
    }
    return ShardLabeller(
        predictor,
        dataset,
        arguments.output_dir,
        provenance=provenance,
        shard_size=arguments.shard_size,
        names_relative_to=folder if folder.is_dir() else folder.parent if folder.exists() else None,
        store_images=arguments.store_images,
        encoding=arguments.encoding,
        max_broken_share=arguments.max_broken_share,
        seed=arguments.seed,
        keep_order=arguments.keep_order,
        scale_predictor=scale_predictor,
        masks=parse_mask_names(arguments.masks),
        sky_segmenter=sky_segmenter,
        fusion=arguments.fusion,
    )


def _open_teacher(
    arguments: LabelArguments, name: str, input_size: int | None, prediction_kind: str | None
) -> DepthPredictor:
    from ..inference.predictor import DepthPredictor

    return DepthPredictor.from_pretrained(
        name,
        device=arguments.device,
        dtype=arguments.dtype,
        engine=arguments.engine,
        batch_size=arguments.batch_size,
        input_size=input_size,
        prediction_kind=cast("PredictionKind | None", prediction_kind),
        window_batches=arguments.window_batches,
        max_pixels=arguments.max_pixels,
        flip_averaging=arguments.flip_averaging,
        compile=arguments.compile,
    )


def push(arguments: LabelArguments) -> str | None:
    """Push the labels to `push_to_hub`, unless shards are missing: of several processes, the last one does it.

    Returns:
        The address of the dataset, or None where shards are missing or another process is pushing.

    Raises:
        ValueError: `push_to_hub` is not given.
        PushError: see `push_labels_when_complete`.
    """
    from .push import push_labels_when_complete

    if arguments.push_to_hub is None:
        raise ValueError("give push_to_hub owner/name, the dataset to push to")
    return push_labels_when_complete(
        arguments.output_dir,
        arguments.push_to_hub,
        private=arguments.hub_private_repo,
        image_license=arguments.image_license,
        teacher_license=arguments.teacher_license,
        scale_teacher_license=arguments.scale_teacher_license,
        sky_teacher_license=arguments.sky_teacher_license,
    )
