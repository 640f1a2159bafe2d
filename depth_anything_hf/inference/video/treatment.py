# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is done to the maps of a video so that they fit together in time: nothing, one range, or alignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...geometry.disparity import PredictionKind
from ...utils.option_errors import OptionError, check_choice
from ...utils.typed_fields import convert_argument
from ..calibration import Calibration
from .alignment import TemporalAlignment
from .limits import FollowingLimits, WholeClip, disparity_limits


TREATMENTS = ("none", "range", "align")


class Treated(NamedTuple):
    """A map after its treatment.

    Attributes:
        values: float32 (H, W).
        scale, shift: of the disparity, before local correction, smoothing and calibration.
        is_cut: whether another shot begins.
        limits: of the colours: disparity, or 1 / depth.
    """

    values: np.ndarray
    scale: float
    shift: float
    is_cut: bool
    limits: tuple[float, float]


class Treatment:
    """The treatment of one video, frame by frame.

    Args:
        mode: "none", each frame by itself; "range", values as they are and one range of colours for the whole clip,
            which a pass before finds; "align", disparity is brought to the scale and shift of the frames before it,
            and corrected where it differs smoothly over the picture.
            Metres are never rescaled.
        kind: "disparity" or "depth", of the predictions.
        smooth: whether values are smoothed along the motion of the picture.
        clip: what the pass before has found, for "range".
        calibration: from a relative model's disparity to metres, after the treatment of the disparity.

    Attributes:
        kind: of the treated values.

    Raises:
        OptionError: an unknown mode.
        ValueError: `smooth` is no truth value.
    """

    def __init__(
        self,
        mode: str,
        kind: PredictionKind,
        smooth: bool = False,
        clip: WholeClip | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        check_choice("temporal", mode, TREATMENTS)
        smooth = convert_argument("smooth", smooth, bool)
        if mode == "range" and clip is None:
            raise OptionError("temporal 'range' needs a pass over the whole clip; choose 'align'")
        self.mode, self._calibration = mode, calibration
        self.kind: PredictionKind = kind if calibration is None else "depth"
        self._clip = None if clip is None else clip.limits
        self._following = FollowingLimits()
        self._alignment: TemporalAlignment | None = None
        if mode == "align" or smooth:
            self._alignment = TemporalAlignment(kind, rescale=mode == "align", smooth=smooth)
        self._time: float | None = None

    def __call__(self, image: np.ndarray, values: np.ndarray, time: float) -> Treated:
        """Treat the next frame.

        Args:
            image: uint8 (H, W, 3) RGB.
            values: float32 (H, W), as predicted.
            time: seconds.
        """
        scale, shift, is_cut = 1.0, 0.0, False
        if self._alignment is not None:
            aligned = self._alignment(image, values)
            values, scale, shift, is_cut = aligned.values, aligned.scale, aligned.shift, aligned.is_cut
        if self._calibration is not None:
            values = self._calibration.apply(values)
        if self._clip is not None:
            limits = self._clip
        elif self.mode == "none":
            limits = disparity_limits(values, self.kind)
        else:
            seconds = 0.0 if self._time is None else time - self._time
            limits = self._following(values, self.kind, seconds, is_cut)
        self._time = time
        return Treated(values, scale, shift, is_cut, limits)

    def state_dict(self) -> dict[str, Any]:
        """Return the state: plain numbers and arrays, with which a later run goes on bit for bit."""
        return {
            "time": self._time,
            "following": self._following.state_dict(),
            "alignment": None if self._alignment is None else self._alignment.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._time = state["time"]
        self._following.load_state_dict(state["following"])
        if self._alignment is not None:
            self._alignment.load_state_dict(state["alignment"])
