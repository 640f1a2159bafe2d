# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""How scores are made: crops, evaluation settings and the table of benchmark protocols. Data, not code."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from ..metrics.depth import ALIGNMENTS, METRICS, Alignment


# What a protocol may ask for: everything that one prediction and one label give.
SCORES = tuple(name for name, metric in METRICS.items() if metric.needs != "reference")
DENSE_METRICS = tuple(name for name, m in METRICS.items() if m.needs in ("depth", "metric_depth", "order"))
BOUNDARY_METRICS = tuple(name for name, metric in METRICS.items() if metric.needs == "boundaries")
EDGE_METRICS = tuple(name for name, metric in METRICS.items() if metric.needs == "edges")
PAIR_METRICS = tuple(name for name, metric in METRICS.items() if metric.needs == "pairs")
# The settings that decide a score of point pairs.
PAIR_FIELDS = ("protocol", "images", "metrics")


@dataclass(frozen=True)
class Crop:
    """A window of the label in which pixels count, or of image and label which the model sees at all.

    Attributes:
        source: where the numbers come from.
        pixels: (top, bottom, left, right), the ends exclusive; only for labels of `label_size`.
        label_size: (height, width) that `pixels` belong to.
        shares: the same in shares of height and width, rounded down to pixels.
        size: (height, width) of a window at the bottom of the map, centred across.
    """

    source: str
    pixels: tuple[int, int, int, int] | None = None
    label_size: tuple[int, int] | None = None
    shares: tuple[float, float, float, float] | None = None
    size: tuple[int, int] | None = None

    def window(self, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of the crop in a map of this size.

        Raises:
            ValueError: the crop is not defined for a map of this size.
        """
        if self.shares is not None:
            top, bottom, left, right = (
                int(share * side) for share, side in zip(self.shares, (height, height, width, width), strict=True)
            )
            return slice(top, bottom), slice(left, right)
        if self.size is not None:
            if height < self.size[0] or width < self.size[1]:
                raise ValueError(f"a crop of {self.size[0]} x {self.size[1]} does not fit into {height} x {width}")
            left = (width - self.size[1]) // 2
            return slice(height - self.size[0], height), slice(left, left + self.size[1])
        assert self.pixels is not None and self.label_size is not None
        if (height, width) != self.label_size:
            raise ValueError(
                f"the crop is given in pixels of {self.label_size[0]} x {self.label_size[1]} (height x width), got "
                f"{height} x {width}; use the data set's own size"
            )
        top, bottom, left, right = self.pixels
        return slice(top, bottom), slice(left, right)


CROPS: Mapping[str, Crop] = MappingProxyType(
    {
        "eigen-nyu": Crop("Eigen et al., arXiv 1406.2283", pixels=(45, 471, 41, 601), label_size=(480, 640)),
        "garg": Crop("Garg et al., arXiv 1603.04992", shares=(0.40810811, 0.99189189, 0.03594771, 0.96405229)),
        "eigen-kitti": Crop("Eigen et al., arXiv 1406.2283", shares=(0.3324324, 0.91351351, 0.0359477, 0.96405229)),
        "kitti-benchmark": Crop("KITTI depth benchmark, size of the test images", size=(352, 1216)),
    }
)


@dataclass(frozen=True)
class EvaluationSettings:
    """What counts in a score. Predictions are compared at the label's size; a label is never resized.

    Attributes:
        min_depth: metres; nearer label pixels do not count, predictions are clamped to it.
        max_depth: metres; farther label pixels and sky do not count, predictions are clamped to it. Papers use 80 for
            KITTI and 10 for NYU.
        min_valid_pixels: an image with fewer valid label pixels is skipped.
        alignment: "disparity" fits a scale and a shift per image in disparity before the depth metrics (the protocol
            of MiDaS and of the relative Depth Anything models); "depth" fits them in depth (Marigold); "median"
            scales by the ratio of the medians; "none" compares metres with metres. A disparity prediction fits only
            "disparity".
        ordinal_pairs: number of random pairs drawn per image for `ordinal_accuracy`.
        max_depth_ratio: stands in for the range in metres if the label is a disparity, which has no unit: pixels more
            than this many times as far as the image's nearest valid pixel do not count, and predictions are clamped to
            it.
        protocol: name and version of the protocol that these settings come from, e.g. "nyu@1"; empty for one's own.
        crop: a name in `CROPS`: label pixels outside do not count. None counts all.
        image_crop: a name in `CROPS`: image and label are cut to it before the model sees them.
        clamp: what the aligned prediction is clamped to before it is inverted: "range" takes `min_depth` and
            `max_depth`; "farthest label" takes `min_depth` and the largest valid depth of the image (MoGe).
        fit_max_side: the alignment is fitted on every n-th row and column of a map larger than this; None fits on all
            valid pixels.
        fit_positive_only: pixels where the raw prediction is zero or negative take no part in the fit (Marigold's fit
            in disparity).
        upsampling: how a prediction is brought to the label's size where the image has another size; "bilinear" has
            aligned corners.
        metrics: names in `SCORES`, in the order of the report.
        exact_labels: every pixel of the label is exact, as in a rendered one: edges may be taken from it for the edge
            errors where the dataset has none annotated.
        min_aligned_disparity: 1 / metres; predictions in disparity are clamped to it once they are aligned (Marigold),
            so that none is farther than its inverse. It does not limit the label.
        largest_over_near_quantile: label pixels more than this many times as far as the 1 % quantile of the image's
            valid depths do not count (MoGe).
        images: which images of the protocol's benchmark are scored where these are not its own, e.g. "split train,
            first 10"; empty for all of them.
    """

    min_depth: float = 1e-3
    max_depth: float = 80.0
    min_valid_pixels: int = 10
    alignment: Alignment = "disparity"
    ordinal_pairs: int = 5000
    max_depth_ratio: float = 100.0
    protocol: str = ""
    crop: str | None = None
    image_crop: str | None = None
    clamp: Literal["range", "farthest label"] = "range"
    fit_max_side: int | None = None
    fit_positive_only: bool = False
    upsampling: Literal["bilinear", "nearest"] = "bilinear"
    metrics: tuple[str, ...] = DENSE_METRICS
    exact_labels: bool = False
    min_aligned_disparity: float | None = None
    largest_over_near_quantile: float | None = None
    images: str = ""

    def __post_init__(self) -> None:
        # A list comes from JSON and YAML, which have no tuples.
        object.__setattr__(self, "metrics", tuple(self.metrics))
        if not 0 < self.min_depth < self.max_depth < math.inf:
            raise ValueError(f"expected 0 < min_depth < max_depth < inf, got {self.min_depth} and {self.max_depth}.")
        if self.min_valid_pixels < 1:
            raise ValueError(f"min_valid_pixels must be at least 1, got {self.min_valid_pixels}.")
        if self.max_depth_ratio <= 1:
            raise ValueError(f"max_depth_ratio must be more than 1, got {self.max_depth_ratio}.")
        if self.fit_max_side is not None and self.fit_max_side < 2:
            raise ValueError(f"fit_max_side must be at least 2 pixels, got {self.fit_max_side}.")
        if self.min_aligned_disparity is not None and not 0 < self.min_aligned_disparity < 1 / self.min_depth:
            raise ValueError(
                f"min_aligned_disparity must be between 0 and 1 / min_depth = {1 / self.min_depth:g}, "
                f"got {self.min_aligned_disparity}."
            )
        if self.largest_over_near_quantile is not None and self.largest_over_near_quantile <= 1:
            raise ValueError(f"largest_over_near_quantile must be more than 1, got {self.largest_over_near_quantile}.")
        _check_known("alignment", self.alignment, ALIGNMENTS)
        _check_known("clamp", self.clamp, ("range", "farthest label"))
        _check_known("upsampling", self.upsampling, ("bilinear", "nearest"))
        for name in ("crop", "image_crop"):
            if getattr(self, name) is not None:
                _check_known(name, getattr(self, name), tuple(CROPS))
        if not self.metrics:
            raise ValueError(f"metrics must name at least one of {SCORES}.")
        for name in self.metrics:
            _check_known("metrics", name, SCORES)

    def window(
        self, which: Literal["crop", "image_crop"], height: int, width: int, name: str | None = None
    ) -> tuple[slice, slice]:
        """Rows and columns of a crop in a map of this size; all of them without a crop.

        Raises:
            ValueError: the crop is not defined for this size; the message says so of the file `name`.
        """
        crop = getattr(self, which)
        if crop is None:
            return slice(None), slice(None)
        try:
            return CROPS[crop].window(height, width)
        except ValueError as error:
            raise ValueError(f"{name}: crop {crop!r}: {error}") from None

    @property
    def scores_pairs(self) -> bool:
        """Whether annotated point pairs are scored, and not a dense label."""
        return self.metrics == PAIR_METRICS

    @property
    def identifier(self) -> str:
        """The protocol's name and version; says so if these settings are no longer that protocol's."""
        known = PROTOCOLS.get(self.protocol.split("@")[0])
        if not self.protocol or (known is not None and known.settings == self):
            return self.protocol or "own settings"
        return f"{self.protocol}, modified" if known is not None else f"{self.protocol}, unknown to this version"

    def describe(self) -> str:
        """One line with the identifier and everything that decides a score."""
        images = [self.images] if self.images else []
        if self.scores_pairs:
            rules = "annotated point pairs at the image's own size, no alignment"
            return ", ".join([self.identifier, *images, rules])
        parts = [self.identifier, *images, f"alignment: {self.alignment}"]
        parts += [f"depth {self.min_depth:g} to {self.max_depth:g} m"]
        parts += [f"image cut to {self.image_crop}"] if self.image_crop else []
        parts += [f"crop {self.crop}"] if self.crop else []
        parts += [f"clamped to the {self.clamp}"] if self.clamp != "range" else []
        parts += [f"fitted on a grid of at most {self.fit_max_side} px"] if self.fit_max_side else []
        parts += ["fitted where the output is positive"] if self.fit_positive_only else []
        if self.min_aligned_disparity is not None:
            parts.append(f"aligned disparity at least {self.min_aligned_disparity:g} / m")
        if self.largest_over_near_quantile is not None:
            parts.append(f"labels up to {self.largest_over_near_quantile:g} times the nearest 1 %")
        return ", ".join(parts)

    def record(self) -> dict[str, Any]:
        """The fields as JSON values; for point pairs without those of depth, which decide nothing there."""
        fields = asdict(self)
        return {name: fields[name] for name in PAIR_FIELDS} if self.scores_pairs else fields


@dataclass(frozen=True)
class Protocol:
    """A benchmark: which images, and what is counted how.

    Attributes:
        name: short name on the command line.
        title: of the data set and the variant.
        reader: name in `data.official.PUBLIC_DATASETS`.
        split: of the reader; None takes its default.
        settings: how images are scored; `settings.protocol` is the identifier.
        source: paper or code that the rules come from.
        matches: published numbers that this protocol is known to reach, or "none known".
        version: raised whenever a number of the protocol could change.
        images: number of images of the full benchmark; None where it is not known for certain.
        options: further options of the reader.
        notes: what a reader of the numbers should know.
    """

    name: str
    title: str
    reader: str
    settings: EvaluationSettings
    source: str
    split: str | None = None
    matches: str = "none known"
    version: int = 1
    images: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", replace(self.settings, protocol=self.identifier))

    @property
    def identifier(self) -> str:
        """Name and version, e.g. "nyu@1"."""
        return f"{self.name}@{self.version}"


def protocol_named(name: str) -> Protocol:
    """The protocol of a name such as "nyu", or of an identifier such as "nyu@1".

    Raises:
        ValueError: there is none of this name, it is at another version, or it is a group; the message says which
            there are.
    """
    plain, _, version = name.partition("@")
    if plain in PROTOCOL_GROUPS:
        raise ValueError(f"{plain!r} is a group, of which one is wanted here: {', '.join(PROTOCOL_GROUPS[plain])}.")
    if plain not in PROTOCOLS:
        _check_known("protocol", plain, (*PROTOCOLS, *PROTOCOL_GROUPS))
    protocol = PROTOCOLS[plain]
    if version and version != str(protocol.version):
        raise ValueError(f"protocol {plain!r} is at version {protocol.version} in this release, not {version}.")
    return protocol


def _check_known(field_name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        nearest = difflib.get_close_matches(str(value), choices, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise ValueError(f"{field_name}: unknown {value!r}; {hint}known are {', '.join(map(repr, choices))}.")


EIGEN, MARIGOLD = "Eigen et al., arXiv 1406.2283", "prs-eth/Marigold, script/depth/eval.py and src/dataset"
MOGE = "microsoft/MoGe, moge/test/metrics.py"
MIDAS = "scale and shift in disparity: MiDaS, arXiv 1907.01341"
PLUMBLINE = "kmatzen/plumbline"
UNPUBLISHED = (
    "The papers of Depth Anything do not publish their protocol for this data set; do not compare with their tables."
)

NYU = EvaluationSettings(max_depth=10.0, crop="eigen-nyu")
KITTI = EvaluationSettings(max_depth=80.0, crop="garg")
SHARP = (*DENSE_METRICS, *BOUNDARY_METRICS)
SHARP_AND_EDGES = (*SHARP, *EDGE_METRICS)
RENDERED = EvaluationSettings(max_depth=80.0, metrics=SHARP_AND_EDGES, exact_labels=True)
MARIGOLD_KITTI = EvaluationSettings(
    min_depth=1e-5, max_depth=80.0, alignment="depth", crop="eigen-kitti", image_crop="kitti-benchmark"
)
# Marigold sets no far limit for ETH3D; no label reaches 100 km.
MARIGOLD_ETH3D = EvaluationSettings(min_depth=1e-5, max_depth=1e5, alignment="depth", fit_max_side=1024)
MARIGOLD_DIODE = EvaluationSettings(min_depth=0.6, max_depth=350.0, alignment="depth")
# Some of MoGe's sets are not in metres, so neither the range nor errors in metres mean anything.
MOGE_METRICS = ("abs_rel", "delta1", "ordinal_accuracy")
MOGE_SHARP = (*MOGE_METRICS, *BOUNDARY_METRICS)
MOGE_SETTINGS = EvaluationSettings(
    min_depth=1e-6, max_depth=1e6, clamp="farthest label", largest_over_near_quantile=1000.0
)
MOGE_NOTE = (
    "MoGe first warps every image to a fixed size and view; here images are scored as packed. Its boundary F1 is "
    "another formula than Depth Pro's, which is used here."
)
IN_DISPARITY: dict[str, Any] = {"alignment": "disparity", "fit_positive_only": True, "min_aligned_disparity": 1e-3}
IN_DISPARITY_NOTE = "Marigold's option least_square_disparity, for models that give disparity."

_TABLE = [
    Protocol(
        "nyu",
        "NYU Depth V2, Eigen test images, raw depth",
        "nyu",
        NYU,
        f"{EIGEN}; {MIDAS}",
        split="test",
        images=654,
        matches=(
            "Depth Anything V2, table 2, NYU: AbsRel .053 / .049 / .045 (S / B / L); reproduced by "
            f"{PLUMBLINE}: .0510 / .0456 / .0428"
        ),
        notes="Raw sensor depth: against the filled-in depth AbsRel rises by about 0.01.",
    ),
    Protocol(
        "nyu-metric",
        "NYU Depth V2, Eigen test images, raw depth, metres",
        "nyu",
        replace(NYU, alignment="none"),
        EIGEN,
        split="test",
        images=654,
        matches=f"{PLUMBLINE}: Depth Anything V2 Metric-Indoor-Large about .33",
        notes="For metric models. The papers' NYU numbers are of fine-tuned models, which are not published.",
    ),
    Protocol(
        "nyu-median",
        "NYU Depth V2, Eigen test images, raw depth, median scaling",
        "nyu",
        replace(NYU, alignment="median"),
        EIGEN,
        split="test",
        images=654,
        matches=f"{PLUMBLINE}: Depth Anything V2 Metric-Indoor-Large .0613",
    ),
    Protocol(
        "kitti",
        "KITTI, Eigen test images with annotated depth, Garg crop, 80 m",
        "kitti",
        KITTI,
        f"{CROPS['garg'].source}; {MIDAS}",
        split="eigen-test",
        images=652,
        matches=(
            "Depth Anything V2, table 2, KITTI: AbsRel .078 / .078 / .074 (S / B / L); reproduced by "
            f"{PLUMBLINE}: .0770 / .0756 / .0710"
        ),
    ),
    Protocol(
        "kitti-eigen-crop",
        "KITTI, Eigen test images with annotated depth, Eigen crop, 80 m",
        "kitti",
        replace(KITTI, crop="eigen-kitti"),
        f"{EIGEN}; {MIDAS}",
        split="eigen-test",
        images=652,
    ),
    Protocol(
        "kitti-metric",
        "KITTI, Eigen test images with annotated depth, Garg crop, 80 m, metres",
        "kitti",
        replace(KITTI, alignment="none"),
        CROPS["garg"].source,
        split="eigen-test",
        images=652,
        notes="For metric models. The papers' KITTI numbers are of fine-tuned models, which are not published.",
    ),
    Protocol(
        "kitti-median",
        "KITTI, Eigen test images with annotated depth, Garg crop, 80 m, median scaling",
        "kitti",
        replace(KITTI, alignment="median"),
        CROPS["garg"].source,
        split="eigen-test",
        images=652,
        matches=f"{PLUMBLINE}: Depth Anything V2 Metric-Outdoor-Large .0877, delta1 .9138",
    ),
    Protocol(
        "diode",
        "DIODE, validation images indoors and outdoors",
        "diode",
        EvaluationSettings(min_depth=0.6, max_depth=350.0),
        MIDAS,
        split="val",
        images=771,
        notes=UNPUBLISHED + f" {PLUMBLINE} gets .21 with such a protocol, .072 indoors only, the paper .066.",
    ),
    Protocol(
        "eth3d",
        "ETH3D, high-resolution training views",
        "eth3d",
        EvaluationSettings(min_depth=0.1, max_depth=200.0),
        MIDAS,
        images=454,
        notes=UNPUBLISHED
        + f" {PLUMBLINE} gets .101 / .094 / .089 with such a protocol, the paper .142 / .137 / .131.",
    ),
    Protocol(
        "sintel",
        "MPI Sintel, training frames, final pass",
        "sintel",
        RENDERED,
        f"{MIDAS}; boundaries: Depth Pro, arXiv 2410.02073",
        images=1064,
        notes=UNPUBLISHED + f" {PLUMBLINE} gets .232 with such a protocol, the paper .487.",
    ),
    Protocol(
        "ibims",
        "iBims-1",
        "ibims",
        EvaluationSettings(max_depth=50.0, metrics=SHARP_AND_EDGES),
        f"{MIDAS}; boundaries: Depth Pro, arXiv 2410.02073; edges: Koch et al., arXiv 1805.01328",
        images=100,
        notes="Depth Pro reports its boundary F1 on depth at another size; read ours as our own number.",
    ),
    Protocol(
        "hypersim-val",
        "Hypersim, validation split",
        "hypersim",
        RENDERED,
        MIDAS,
        split="val",
        notes=(
            "The official split has 7,386 images; those of broken cameras are left out. A training set of most models."
        ),
    ),
    Protocol(
        "vkitti2",
        "Virtual KITTI 2, Scene01, left camera",
        "vkitti2",
        RENDERED,
        MIDAS,
        split="val",
        notes="A training set of most models: a check of fit, not of generalisation.",
    ),
    *(
        Protocol(
            f"moge-{short}",
            f"{title}, as packed by MoGe",
            "moge",
            replace(MOGE_SETTINGS, metrics=metrics),
            MOGE,
            split=title,
            notes=MOGE_NOTE,
        )
        for short, title, metrics in (
            ("nyu", "NYUv2", MOGE_METRICS),
            ("kitti", "KITTI", MOGE_METRICS),
            ("eth3d", "ETH3D", MOGE_METRICS),
            ("ibims", "iBims-1", MOGE_SHARP),
            ("gso", "GSO", MOGE_METRICS),
            ("sintel", "Sintel", MOGE_SHARP),
            ("ddad", "DDAD", MOGE_METRICS),
            ("diode", "DIODE", MOGE_METRICS),
            ("spring", "Spring", MOGE_SHARP),
            ("hammer", "HAMMER", MOGE_SHARP),
        )
    ),
    *(
        Protocol(
            f"marigold-{short}{suffix}",
            f"{title}{words}",
            short,
            replace(settings, **changes),
            MARIGOLD,
            split=split,
            images=images,
            notes=note,
        )
        for short, title, settings, split, images in (
            ("nyu", "NYU Depth V2, Eigen crop, Marigold's rules", replace(NYU, alignment="depth"), "test", 654),
            ("kitti", "KITTI, benchmark and Eigen crop, Marigold's rules", MARIGOLD_KITTI, "eigen-test", 652),
            ("eth3d", "ETH3D, Marigold's rules", MARIGOLD_ETH3D, None, 454),
            ("diode", "DIODE, Marigold's rules", MARIGOLD_DIODE, "val", 771),
        )
        for suffix, words, changes, note in (
            ("", "", {}, "Fits in depth: for models that give depth, known up to scale and shift or in metres."),
            ("-disparity", ", fitted in disparity", IN_DISPARITY, IN_DISPARITY_NOTE),
        )
    ),
    Protocol(
        "da-2k",
        "DA-2K, annotated point pairs",
        "da-2k",
        EvaluationSettings(metrics=PAIR_METRICS),
        "Depth Anything V2, arXiv 2406.09414, section 6",
        matches=(
            "meant to match Depth Anything V2, table 3: 95.3 / 97.0 / 97.1 % (S / B / L); the papers' code is not "
            "published"
        ),
        notes="Accuracy over all pairs, overall and per scenario; the raw output is read at the image's own size.",
    ),
]
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({protocol.name: protocol for protocol in _TABLE})
"""Name to protocol."""
PROTOCOL_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"moge-bundle": tuple(name for name in PROTOCOLS if name.startswith("moge-"))}
)
"""Name to the protocols that are run together; each one's data is the sub-folder of its split below one root."""
