# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bring each frame's disparity to the running one: scale, shift and a smooth field, online and in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ...geometry.disparity import PredictionKind
from ...geometry.picture_motion import PictureMotion, find_motion, shrink_map, small_grey
from ...utils.typed_fields import convert_argument
from .cuts import colour_histogram, is_new_scene
from .local_correction import FIELD_HALF_LIFE, fit_field
from .robust_fit import fit_robustly
from .smoothing import smooth_along_motion


# Frames after which half of an error of the running disparity is gone: ten seconds at 30 frames a second.
HALF_LIFE = 300.0
# The running disparity: so many earlier frames, this far apart. Their mean would have less noise than the frame that
# is fitted to it, which biases the scale; each by itself has as much.
KEPT_FRAMES, FRAMES_APART = 6, 2
# Share of the pixels that must be known again for a fit, and how many of them it looks at.
LEAST_KNOWN = 0.05
# Share of a frame in the steady disparity that the next field is fitted to: it looks back over about so many frames.
NEWEST_SHARE = 1 / 6
FITTED_PIXELS = 8192


@dataclass(frozen=True)
class AlignedFrame:
    """A frame's prediction as part of a clip.

    Attributes:
        values: float32 (H, W): `scale * prediction + shift`, corrected locally, and smoothed where that is asked for.
        scale: positive.
        shift: in the prediction's unit.
        is_cut: whether another scene begins with this frame.
    """

    values: np.ndarray
    scale: float
    shift: float
    is_cut: bool


class TemporalAlignment:
    """Make predictions of single frames those of a clip, one after another.

    A relative model's disparity has a scale and shift of its own in every frame. Each frame is compared with the
    *running disparity*, small maps of what was given before, moved along with the picture (optical flow) where a
    check of the motion knows the pixels again; scale and shift are fitted robustly on these pixels. Where the fit
    cannot be trusted (few pixels known again, one flat surface, a scale that is not positive), those of the frame
    before stay.

    Fits along a chain add up their errors. So each result is drawn towards the frame's own scale and shift by a small
    share, with which half of any error is gone after `half_life` frames: they cannot run away, however long the clip.

    What is left of the difference to the frames before is corrected where it is smooth over the picture and no larger
    than the noise of the frame, see `local_correction`: models of single frames bend their maps a little differently
    in each. Half of a correction is gone after half a second, so that true changes are followed.

    Where a new scene begins, everything starts anew with that frame's own scale and shift.

    Metres of a metric model are never rescaled: their scale is 1 and their shift 0, only smoothing is done.

    Args:
        prediction_kind: "disparity", or "depth" in metres.
        rescale: False leaves disparity as it is, too.
        local: correct what differs smoothly over the picture; False leaves scale and shift alone.
        smooth: average each pixel along its motion; see `smoothing`.
        half_life: in frames.

    Raises:
        ValueError: a half-life that is not positive, or arguments of other types.
    """

    def __init__(
        self,
        prediction_kind: PredictionKind = "disparity",
        *,
        rescale: bool = True,
        local: bool = True,
        smooth: bool = False,
        half_life: float = HALF_LIFE,
    ) -> None:
        half_life = convert_argument("half_life", half_life, float, may_be_infinite=True)
        given = {"rescale": rescale, "local": local, "smooth": smooth}
        rescale, local, smooth = (convert_argument(name, value, bool) for name, value in given.items())
        if not half_life > 0:
            raise ValueError(f"half_life must be a positive number of frames, got {half_life}")
        self.rescales = rescale and prediction_kind == "disparity"
        self.local = local and self.rescales
        self.smooth = smooth
        self.half_life = half_life
        self._own_share = 1 - 0.5 ** (1 / half_life)
        self._field_share = np.float32(0.5 ** (1 / FIELD_HALF_LIFE))
        self._scale, self._shift = 1.0, 0.0
        self._grey: np.ndarray | None = None
        self._colours: np.ndarray | None = None
        # (frames, h, w) at the size of the grey picture.
        self._running: np.ndarray | None = None
        # (h, w), the mean of what was given, with the field; and the field of the frame, None where there is none.
        self._steady: np.ndarray | None = None
        self._field: np.ndarray | None = None
        self._age = 0
        self._smoothed: np.ndarray | None = None
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: np.ndarray, values: np.ndarray) -> AlignedFrame:
        """Align the next frame.

        Args:
            frame: uint8 (H, W, 3) RGB.
            values: float32 (H, W), its prediction.

        Raises:
            ValueError: frame and values differ in size, or from the frames before; `reset` allows another size.
        """
        self._check(frame, values)
        grey, colours = small_grey(frame), colour_histogram(frame)
        motion, is_cut = None, False
        if self._grey is not None and self._colours is not None:
            motion = find_motion(self._grey, grey)
            is_cut = is_new_scene(float(motion.matched.mean()), self._colours, colours, self._grey, grey)
        self._grey, self._colours = grey, colours
        if is_cut or motion is None:
            motion = None
            self._forget_scene()
        if self.rescales:
            self._follow(shrink_map(values, *grey.shape), motion)
        aligned = self._apply(values)
        if self._field is not None:
            aligned += cv2.resize(self._field, values.shape[::-1], interpolation=cv2.INTER_LINEAR)
        if self.smooth:
            if motion is not None and self._smoothed is not None:
                aligned = smooth_along_motion(self._smoothed, aligned, motion, _spread(aligned))
            self._smoothed = aligned.copy()
        return AlignedFrame(aligned, self._scale, self._shift, is_cut)

    def reset(self) -> None:
        """Forget all frames, as before the first one."""
        self._forget_scene()
        self._grey = self._colours = self._size = None

    def _forget_scene(self) -> None:
        self._scale, self._shift, self._age = 1.0, 0.0, 0
        self._running = self._steady = self._field = self._smoothed = None

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next frames depend on, as plain numbers and arrays."""
        return {
            "rescales": self.rescales,
            "local": self.local,
            "smooth": self.smooth,
            "half_life": self.half_life,
            "scale": self._scale,
            "shift": self._shift,
            "age": self._age,
            "size": self._size,
            "grey": _copied(self._grey),
            "colours": _copied(self._colours),
            "running": _copied(self._running),
            "steady": _copied(self._steady),
            "smoothed": _copied(self._smoothed),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of `state_dict`: the next results are those without an interruption, bit for bit.

        Raises:
            ValueError: the state is of another kind of alignment.
        """
        for name in ("rescales", "local", "smooth", "half_life"):
            if state[name] != getattr(self, name):
                raise ValueError(
                    f"the state is of an alignment with {name}={state[name]}, this one has {getattr(self, name)}"
                )
        self._scale, self._shift = float(state["scale"]), float(state["shift"])
        self._size = None if state["size"] is None else (int(state["size"][0]), int(state["size"][1]))
        self._grey, self._colours = _copied(state["grey"]), _copied(state["colours"])
        self._running, self._steady = _copied(state["running"]), _copied(state["steady"])
        self._smoothed = _copied(state["smoothed"])
        self._age = int(state["age"])

    def _check(self, frame: np.ndarray, values: np.ndarray) -> None:
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.shape[:2] != values.shape:
            raise ValueError(
                "expected a frame uint8 (H, W, 3) and its values (H, W), got "
                f"{frame.dtype} {frame.shape} and {values.shape}"
            )
        size = (values.shape[0], values.shape[1])
        if self._size is not None and size != self._size:
            raise ValueError(
                f"the frames before have {self._size[0]} x {self._size[1]} pixels, this one {size[0]} x {size[1]}; "
                "frames of a clip have one size; reset() begins another clip"
            )
        self._size = size

    def _follow(self, small: np.ndarray, motion: PictureMotion | None) -> None:
        """Set scale, shift and field for a frame, and bring the running disparity to it."""
        is_fitted, self._field = False, None
        if motion is None or self._running is None:
            self._running = np.full((KEPT_FRAMES, *small.shape), np.nan, dtype=np.float32)
        else:
            # What is not known again is NaN.
            x, y = motion.previous_pixels(*small.shape)
            self._running = np.stack([cv2.remap(each, x, y, cv2.INTER_LINEAR) for each in self._running])
            self._running[:, ~motion.matched] = np.nan
            if self._steady is not None:
                self._steady = cv2.remap(self._steady, x, y, cv2.INTER_LINEAR)
                self._steady[~motion.matched] = np.nan
            is_fitted = self._fit(small)
        if self.local:
            self._correct(self._apply(small), is_fitted)
        if self._age % FRAMES_APART == 0:
            self._running[self._age // FRAMES_APART % KEPT_FRAMES] = self._apply(small)
        self._age += 1

    def _correct(self, small: np.ndarray, is_fitted: bool) -> None:
        """Set the field for a frame that has its scale and shift, and the steady disparity that the next one meets."""
        if self._steady is None:
            self._steady = small
            return
        if not is_fitted:
            # A map that the others cannot be compared with must not be in the mean that the next ones are bent to.
            assert self._running is not None
            self._steady = _median(self._running)
            self._steady = np.where(np.isfinite(self._steady), self._steady, small)
            return
        whole = fit_field(small, self._steady, _spread(small))
        self._field = self._field_share * whole
        # The steady disparity is drawn along, as the running one is.
        self._steady += self._field - whole
        small += self._field
        known = np.isfinite(self._steady)
        self._steady = np.where(known, self._steady + np.float32(NEWEST_SHARE) * (small - self._steady), small)

    def _fit(self, small: np.ndarray) -> bool:
        assert self._running is not None
        comparable = np.isfinite(self._running) & np.isfinite(small)
        if comparable.any(axis=0).mean() < LEAST_KNOWN:
            return False
        known = np.flatnonzero(comparable)
        some = known[:: 1 + known.size // FITTED_PIXELS]
        fitted = fit_robustly(
            small.ravel()[some % small.size], self._running.ravel()[some], whole_spread=_spread(small)
        )
        if fitted is None:
            return False
        self._scale = float(fitted[0] ** (1 - self._own_share))
        self._shift = fitted[1] * (1 - self._own_share)
        # The running disparity is drawn along, else the next fit would go back to it.
        gain = self._scale / fitted[0]
        offset = np.float32(self._shift - gain * fitted[1])
        self._running = self._running * np.float32(gain) + offset
        if self._steady is not None:
            self._steady = self._steady * np.float32(gain) + offset
        return True

    def _apply(self, values: np.ndarray) -> np.ndarray:
        if (self._scale, self._shift) == (1.0, 0.0):
            return values.astype(np.float32, copy=True)
        aligned: np.ndarray = values.astype(np.float32) * np.float32(self._scale) + np.float32(self._shift)
        return aligned


def _spread(values: np.ndarray) -> float:
    """Return the difference of the 90th and the 10th percentile of some of the finite values."""
    some = values[:: max(1, values.shape[0] // 128), :: max(1, values.shape[1] // 128)]
    finite = some[np.isfinite(some)]
    if finite.size == 0:
        return 0.0
    low, high = np.percentile(finite, [10, 90])
    return float(high - low)


def _median(maps: np.ndarray) -> np.ndarray:
    """Return the lower median of what is known of maps (n, h, w) at each pixel: (h, w), NaN where nothing is."""
    ordered = np.sort(maps, axis=0)  # NaN last
    middle = np.maximum((~np.isnan(ordered)).sum(axis=0) - 1, 0) // 2
    median: np.ndarray = np.take_along_axis(ordered, middle[None], axis=0)[0]
    return median


def _copied(values: Any) -> np.ndarray | None:
    return None if values is None else np.array(values)
