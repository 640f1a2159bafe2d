# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of benchmark protocols: which images, and what counts how.

To add a protocol, add an entry to `_TABLE`, and a row to the table in docs/evaluation.md. Its dataset must be in
`data.public`; rules that no other protocol has are fields of `EvaluationSettings`. Raise the `version` of an entry
whenever a number of the protocol could change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..utils.option_errors import check_choice
from ..utils.typed_fields import convert_fields
from .settings import (
    BOUNDARY_METRICS,
    CROPS,
    DENSE_METRICS,
    EDGE_METRICS,
    PAIR_METRICS,
    EvaluationSettings,
)


@dataclass(frozen=True)
class Protocol:
    """A benchmark: which images, and what is counted how.

    Attributes:
        name: short name on the command line.
        title: of the dataset and the variant.
        reader: name in `data.public.catalog.PUBLIC_DATASETS`.
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
        convert_fields(self)
        object.__setattr__(self, "settings", replace(self.settings, protocol=self.identifier))

    @property
    def identifier(self) -> str:
        """Name and version, e.g. "nyu@1"."""
        return f"{self.name}@{self.version}"


def find_protocol(name: str) -> Protocol:
    """Return the protocol of a name such as "nyu", or of an identifier such as "nyu@1".

    Raises:
        ValueError: there is no protocol of this name or version, or it is a group; the message says which there are.
    """
    plain, _, version = name.partition("@")
    if plain in PROTOCOL_GROUPS:
        raise ValueError(f"{plain!r} is a group of protocols; name one of them: {', '.join(PROTOCOL_GROUPS[plain])}.")
    if plain not in PROTOCOLS:
        check_choice("protocol", plain, (*PROTOCOLS, *PROTOCOL_GROUPS))
    protocol = PROTOCOLS[plain]
    if version and version != str(protocol.version):
        raise ValueError(
            f"protocol {plain!r} is at version {protocol.version} in this release, got version {version}."
        )
    return protocol


def identify(settings: EvaluationSettings) -> str:
    """Return the name and version of the protocol that settings come from; says so if they are no longer its own."""
    known = PROTOCOLS.get(settings.protocol.split("@")[0])
    if not settings.protocol or (known is not None and known.settings == settings):
        return settings.protocol or "own settings"
    return f"{settings.protocol}, modified" if known is not None else f"{settings.protocol}, unknown to this version"


def describe(settings: EvaluationSettings) -> str:
    """Return one line with the protocol's name and version and everything that decides a score."""
    return f"{identify(settings)}, {settings.rules()}"


EIGEN, MARIGOLD = "Eigen et al., arXiv 1406.2283", "prs-eth/Marigold, script/depth/eval.py and src/dataset"
MOGE = "microsoft/MoGe, moge/test/metrics.py"
MIDAS = "scale and shift in disparity: MiDaS, arXiv 1907.01341"
PLUMBLINE = "kmatzen/plumbline"
UNPUBLISHED = (
    "The papers of Depth Anything do not publish their protocol for this dataset; do not compare with their tables."
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
        notes="A training set of most models: a check of fit, not of generalization.",
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
