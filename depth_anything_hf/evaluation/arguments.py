# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is scored on what, and how: the flags of `evaluate` and, but for those of its one model, of `compare`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..utils.option_errors import check_count
from ..utils.typed_fields import convert_fields, require_ranges


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


@dataclass(kw_only=True)
class ScoringArguments:
    """The labelled images, what counts on them, and how models compute."""

    data: str | None = field(
        default=None, metadata={"help": "Your labelled folder, table (parquet, arrow, JSON), or dataset id."}
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
        fixed = [name for name in FIXED_BY_PROTOCOL if getattr(self, name) is not None]
        if self.protocol is not None and fixed:
            raise ValueError(f"{', '.join(fixed)} cannot be combined with protocol, which fixes it")
        for name in ("limit", "batch_size", "max_pixels"):
            if getattr(self, name) is not None:
                check_count(f"--{name}", getattr(self, name))
        require_ranges(self, {"[1, inf)": ("input_size",), "(0, inf)": ("min_depth", "max_depth")})

    @property
    def has_images(self) -> bool:
        """Whether images are given, one way: `data` alone, or `protocol` with `root`."""
        return (self.data is None) != (self.protocol is None) and (self.protocol is None) == (self.root is None)


@dataclass
class EvaluationArguments(ScoringArguments):
    """What is scored on what, and how; the flags of `evaluate`."""

    model: str = field(metadata={"help": "Depth model: an id on the Hub, a folder, or a file of `export`."})
    video: str | None = field(
        default=None,
        kw_only=True,
        metadata={
            "help": "A video, a folder of frames, or a clip of `render --clip`: how steady the predictions are from "
            "frame to frame, under each temporal treatment; with the depth of a rendered clip also how right."
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.video is not None:
            _check_video(self)
        elif not self.has_images:
            raise ValueError(
                "give data, or protocol and root (`depth-anything-hf datasets` lists the protocols), or video"
            )


def _check_video(arguments: EvaluationArguments) -> None:
    others = ("data", "protocol", "root", "split", "confidence", *FIXED_BY_PROTOCOL)
    given = [name for name in others if name not in ALSO_OF_VIDEOS and getattr(arguments, name) not in (None, False)]
    if given:
        raise ValueError(f"{', '.join(given)} cannot be combined with video")
