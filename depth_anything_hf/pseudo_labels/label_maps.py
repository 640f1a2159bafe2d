# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From the predictions of one picture to its label: by one teacher or fused of two, with the masks asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.decoding.label_masks import MASKS_COLUMN, encode_masks, mask_shares, parse_mask_names
from ..geometry.depth_units import max_depth_in_metres
from ..geometry.disparity import PredictionKind, depth_to_disparity
from ..inference.confidence import find_confidence
from ..inference.further_passes import MIRRORED, STRAIGHT, FurtherModel, predict_with_others
from ..inference.prediction import Prediction
from ..utils.option_errors import OptionError
from .fusion import FusedLabel, fuse_labels
from .fusion_settings import FusionSettings, check_teachers
from .sky_mask import LEAST_MAX_DEPTH, sky_by_teachers


if TYPE_CHECKING:
    from ..inference.predictor import DepthPredictor
    from ..inference.sky_segmentation import SkySegmenter

SCALE, SKY = "scale teacher", "sky teacher"


@dataclass(frozen=True)
class LabelMaker:
    """Turns the predictions of a picture into its label.

    Args:
        predictor: the teacher.
        scale_predictor: the teacher whose scale the labels get; None keeps the first one's.
        masks: names of masks, see `data.decoding.label_masks`.
        sky_segmenter: finds the sky for the mask `sky`; None: it is what both teachers see far and smooth.
        settings: when a fit is bad, and thresholds of the masks.

    Raises:
        OptionError: masks and teachers do not go together.
    """

    predictor: DepthPredictor
    scale_predictor: DepthPredictor | None = None
    masks: Sequence[str] = ()
    sky_segmenter: SkySegmenter | None = None
    settings: FusionSettings = field(default_factory=FusionSettings)

    def __post_init__(self) -> None:
        object.__setattr__(self, "masks", parse_mask_names(self.masks))
        check_teachers(self.masks, self.scale_predictor is not None, self.sky_segmenter is not None)
        if self.scale_predictor is None:
            return
        if "sky" in self.masks and self.sky_segmenter is None and (self.max_depth or 0) < LEAST_MAX_DEPTH:
            end = "no metres" if self.kind == "disparity" else f"a largest depth of {self.max_depth or 'no'} m"
            raise OptionError(
                "the mask 'sky' without a sky_teacher needs a metric scale teacher whose largest depth is at least "
                f"{LEAST_MAX_DEPTH:g} m, this one has {end}; name a sky_teacher, or leave sky out of masks"
            )
        if self.predictor.prediction_kind == "depth" and self.scale_predictor.prediction_kind == "disparity":
            raise OptionError(
                "the scale teacher predicts disparity, which has no unit, and the teacher metres, which the labels "
                "would lose; exchange --teacher and --scale_teacher"
            )

    @property
    def kind(self) -> PredictionKind:
        """What the labels tell: "depth" for disparity of 1 / metres, "disparity" for one up to scale and shift."""
        return (self.scale_predictor or self.predictor).prediction_kind

    @property
    def max_depth(self) -> float | None:
        """Largest depth that the scale teacher can predict, metres."""
        return None if self.scale_predictor is None else max_depth_in_metres(self.scale_predictor.model.config)

    def all_teachers(self) -> DepthPredictor:
        """Return a predictor of all maps that the labels need, see `Prediction.further`."""
        others: dict[str, FurtherModel] = {}
        if self.scale_predictor is not None:
            self.scale_predictor.model.eval()
            others[SCALE] = self.scale_predictor.passes
        if self.sky_segmenter is not None:
            others[SKY] = self.sky_segmenter
        mirrored = "flip" in self.masks
        return predict_with_others(self.predictor, others, mirrored=mirrored) if others or mirrored else self.predictor

    def description(self) -> dict[str, Any]:
        """Return what decides the labels beside the teachers' own descriptions, as JSON values; {} for one teacher."""
        settings = asdict(self.settings)
        described: dict[str, Any] = {}
        if self.scale_predictor is not None:
            described["fit"] = {key: settings[key] for key in ("fit_tolerance", "least_inliers")}
            described["scale_teacher_max_depth"] = self.max_depth
        if self.masks:
            described["masks"] = list(self.masks)
            thresholds = {name: settings[f"{name}_threshold"] for name in self.masks}
            if "sky" in thresholds and self.sky_segmenter is None:
                thresholds["sky"] = None
            described["mask_thresholds"] = thresholds
        return described

    def make(self, prediction: Prediction) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the label of a picture, disparity float32 (H, W), and the further columns of its row.

        Raises:
            ValueError: there is no prediction, or a depth that is not positive.
        """
        values = prediction.values
        if values is None:
            raise ValueError(f"{prediction.name} has no prediction: {prediction.error}")
        kind = self.predictor.prediction_kind
        columns: dict[str, Any] = {}
        fused: FusedLabel | None = None
        if self.scale_predictor is None:
            disparity = depth_to_disparity(values) if kind == "depth" else values
        else:
            fused = fuse_labels(
                values,
                prediction.further[SCALE],
                sharp_kind=kind,
                scale_kind=self.scale_predictor.prediction_kind,
                max_depth=self.max_depth,
                settings=self.settings,
            )
            disparity = fused.disparity
            columns |= _fit_columns(fused)
        if self.masks:
            masks = {name: self._mask(name, prediction, fused) for name in self.masks}
            columns |= {MASKS_COLUMN: encode_masks(masks), **mask_shares(masks)}
        return disparity, columns

    def _mask(self, name: str, prediction: Prediction, fused: FusedLabel | None) -> np.ndarray:
        values = prediction.values
        assert values is not None
        kind = self.predictor.prediction_kind
        if name == "flip":
            straight = prediction.further.get(STRAIGHT, values)
            confidence = find_confidence(straight, [prediction.further[MIRRORED]], kind)
            return confidence < math.exp(-self.settings.flip_threshold)
        if name == "sky" and self.sky_segmenter is not None:
            return prediction.further[SKY] > self.settings.sky_threshold
        assert fused is not None
        if name == "sky":
            assert self.max_depth is not None
            disparity = fused.disparity if fused.is_ok else None
            return sky_by_teachers(disparity, prediction.further[SCALE], self.max_depth)
        return fused.disagreement > self.settings.teachers_threshold


def _fit_columns(fused: FusedLabel) -> dict[str, Any]:
    return {
        "fit_scale": None if math.isnan(fused.scale) else fused.scale,
        "fit_shift": None if math.isnan(fused.shift) else fused.shift,
        "fit_inliers": fused.inliers,
        "fit_residual": None if math.isnan(fused.residual) else fused.residual,
        "fit_ok": fused.is_ok,
    }
