# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What counts in a score: crops, ranges, alignment and metrics, as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

from ..metrics.table import ALIGNMENTS, METRICS, Alignment
from ..utils.option_errors import check_choice
from ..utils.typed_fields import convert_fields


# What a protocol may ask for: everything that one prediction and one label give.
SCORES = tuple(name for name, metric in METRICS.items() if metric.needs not in ("reference", "confidence"))
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

    def __post_init__(self) -> None:
        convert_fields(self)

    def window(self, height: int, width: int) -> tuple[slice, slice]:
        """Return rows and columns of the crop in a map of this size.

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
                raise ValueError(
                    f"a crop of {self.size[0]} x {self.size[1]} (height x width) does not fit into {height} x {width}"
                )
            left = (width - self.size[1]) // 2
            return slice(height - self.size[0], height), slice(left, left + self.size[1])
        assert self.pixels is not None and self.label_size is not None
        if (height, width) != self.label_size:
            raise ValueError(
                f"the crop is defined for {self.label_size[0]} x {self.label_size[1]} (height x width), got "
                f"{height} x {width}; keep the dataset's own size"
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
        convert_fields(self)
        if not 0 < self.min_depth < self.max_depth < math.inf:
            raise ValueError(f"expected 0 < min_depth < max_depth < inf, got {self.min_depth} and {self.max_depth}.")
        if self.min_valid_pixels < 1:
            raise ValueError(f"min_valid_pixels must be at least 1, got {self.min_valid_pixels}.")
        if self.ordinal_pairs < 1:
            raise ValueError(f"ordinal_pairs must be at least 1, got {self.ordinal_pairs}.")
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
        check_choice("alignment", self.alignment, ALIGNMENTS)
        check_choice("clamp", self.clamp, ("range", "farthest label"))
        check_choice("upsampling", self.upsampling, ("bilinear", "nearest"))
        for name in ("crop", "image_crop"):
            if getattr(self, name) is not None:
                check_choice(name, getattr(self, name), tuple(CROPS))
        if not self.metrics:
            raise ValueError(f"metrics must name at least one of {', '.join(SCORES)}; got none.")
        for name in self.metrics:
            check_choice("metrics", name, SCORES)

    def window(
        self, which: Literal["crop", "image_crop"], height: int, width: int, name: str | None = None
    ) -> tuple[slice, slice]:
        """Return rows and columns of a crop in a map of this size; all of them without a crop.

        Raises:
            ValueError: the crop is not defined for this size; the message begins with `name`, the file's.
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

    def rules(self) -> str:
        """Return one line with everything that decides a score, the protocol's name aside."""
        images = [self.images] if self.images else []
        if self.scores_pairs:
            return ", ".join([*images, "annotated point pairs at the image's own size, no alignment"])
        parts = [*images, f"alignment: {self.alignment}"]
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
        """Return the fields as JSON values; for point pairs without those of depth, which decide nothing there."""
        fields = asdict(self)
        return {name: fields[name] for name in PAIR_FIELDS} if self.scores_pairs else fields


def settings_for(
    prediction_kind: str, label: str | None, model_max_depth: float | None, **given: Any
) -> EvaluationSettings:
    """Return the settings that fit a model and a label where nothing else is wanted.

    Args:
        prediction_kind: "disparity" or "depth". Depth is compared with depth as it is, all else aligned in disparity.
        label: "disparity" or "depth"; another one, as of point pairs, leaves the defaults.
        model_max_depth: metres, the cap of a metric model; farther labels do not count. None takes the default.
        **given: fields that win; None is none.
    """
    chosen: dict[str, Any] = {}
    if prediction_kind == label == "depth":
        chosen["alignment"] = "none"
    # A label in disparity has no metres.
    if prediction_kind == label == "depth" and model_max_depth is not None:
        chosen["max_depth"] = model_max_depth
    return EvaluationSettings(**{**chosen, **{name: value for name, value in given.items() if value is not None}})


def beyond_the_model(settings: EvaluationSettings, max_depth: float | None) -> str:
    """Say so where labels count that are farther than a metric model can predict; "" where all is well.

    Args:
        settings: of the score.
        max_depth: metres, the model's own cap; None where it has none.
    """
    # What is clamped to the farthest label has no range in metres.
    has_range = not settings.scores_pairs and settings.clamp == "range"
    if max_depth is None or not has_range or settings.max_depth <= max_depth:
        return ""
    name = settings.protocol or "the evaluation"
    return (
        f"{name} scores labels up to {settings.max_depth:g} m, but the output of the model ends at {max_depth:g} m: "
        "what is farther counts as errors that it cannot avoid"
    )
