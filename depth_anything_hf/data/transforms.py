# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Augment a sample, and convert it to tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch

from ..geometry.disparity import depth_to_disparity
from ..utils.typed_fields import convert_fields
from .haze import add_haze, sample_haze
from .masked_pixels import WEIGHTS


PATCH_SIZE = 14
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
BLUR_SIGMA_RANGE_PIXELS = (0.1, 2.0)
SMALLEST_DEPTH_METRES = 1e-6


@dataclass
class TrainingTransform:
    """Convert a sample to tensors of one size, with random augmentation.

    The steps, in this order:

    1. Resize the image so that it just covers the crop, keeping its aspect, and crop at a random place (V1 and V2:
       short side 518, random crop 518 x 518). Labels are resized by nearest neighbour, so that no value is mixed
       across an edge. Images are resized by area averaging when they shrink and by bicubic interpolation when they
       grow. The authors use OpenCV's bicubic interpolation for both, which aliases when it shrinks; on photographs
       at half size, area averaging is twice as close to the antialiased bicubic interpolation of the image processor
       at inference.
    2. Flip left-right, and upside down with the probability `vertical_flip`.
    3. Add haze, drawn by `sample_haze`; it needs depth.
    4. Channel gain, colour jitter and Gaussian blur, on the image only.
    5. Normalize by the statistics of ImageNet.

    Attributes:
        size: side or (height, width) in pixels, multiples of 14 (the patch size).
        target: "disparity" (depth is inverted; sky is 0, depth below a micrometre is invalid) or "depth" (metres; sky
            and values outside [min_depth, max_depth] become NaN).
        horizontal_flip, vertical_flip: probabilities.
        colour_jitter: probability of colour jitter: factors of brightness, contrast and saturation, uniform in
            [max(0, 1 - b), 1 + b] for `brightness`, `contrast` or `saturation` b, and a shift of the hue, uniform in
            [-hue, hue] turns of the colour circle, in random order. The strengths are those of UniMatch
            (LiheYoung/UniMatch, dataset/semi.py), to which the authors of Depth Anything refer; the paper gives none.
        channel_gain: each colour channel is multiplied by a factor uniform in [1 - channel_gain, 1 + channel_gain].
        blur: probability of a Gaussian blur with sigma uniform in [0.1, 2] pixels (UniMatch).
        haze: add haze.
        min_depth, max_depth: metres, for target "depth" only.
        near_clip: for target "disparity" only: nearer pixels count as that near, so that a few wrong ones close to the
            camera, whose disparity is huge, do not squeeze all others. A percentage, "2%", is the depth below which
            that share of the crop's valid pixels lies, the sky not counted; a number is metres. None, as in the paper,
            keeps every value.
        keep_clean: also return "clean_pixel_values", with the same crop, flips and haze but without step 4, for an
            online teacher (V1 labels the clean image).

    Raises:
        ValueError: a size that is no multiple of 14, or an option out of its range.
    """

    size: int | tuple[int, int]
    target: str = "disparity"
    horizontal_flip: float = 0.5
    vertical_flip: float = 0.0
    colour_jitter: float = 0.0
    brightness: float = 0.5
    contrast: float = 0.5
    saturation: float = 0.5
    hue: float = 0.25
    channel_gain: float = 0.0
    blur: float = 0.0
    haze: bool = False
    min_depth: float = 1e-3
    max_depth: float = math.inf
    keep_clean: bool = False
    near_clip: str | float | None = None

    def __post_init__(self) -> None:
        convert_fields(self)
        for side in self.crop_size:
            _check_side(side)
        if self.target not in ("disparity", "depth"):
            raise ValueError(f"target must be 'disparity' or 'depth', got {self.target!r}")
        for name in ("horizontal_flip", "vertical_flip", "colour_jitter", "blur"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be a probability in [0, 1], got {getattr(self, name)}")
        limits = {"brightness": math.inf, "contrast": math.inf, "saturation": math.inf, "hue": 0.5, "channel_gain": 1}
        for name, largest in limits.items():
            if not 0 <= getattr(self, name) <= largest:
                raise ValueError(f"{name} must be in [0, {largest}], got {getattr(self, name)}")
        if not 0 <= self.min_depth < self.max_depth:
            raise ValueError(f"expected 0 <= min_depth < max_depth, got {self.min_depth} and {self.max_depth}")
        if self.near_clip is not None and self.target == "depth":
            raise ValueError(
                f"near_clip is {self.near_clip}, but target is 'depth', which has min_depth; it is for disparity"
            )
        self._near_share, self._near_metres = parse_near_clip(self.near_clip)

    @property
    def crop_size(self) -> tuple[int, int]:
        """Size of the result: (height, width), pixels."""
        if isinstance(self.size, int):
            return self.size, self.size
        return self.size[0], self.size[1]

    @classmethod
    def weak(cls, size: int | tuple[int, int], **options: Any) -> TrainingTransform:
        """Return the augmentation of labelled images: horizontal flips only (V1, supplement)."""
        return cls(size, **options)

    @classmethod
    def strong(cls, size: int | tuple[int, int], **options: Any) -> TrainingTransform:
        """Return the augmentation of a student's images: colour jitter and blur (V1, section 3.2).

        The probabilities are those of UniMatch. CutMix, the other strong perturbation of V1, works on batches: see
        `cutmix`.
        """
        return cls(size, **{"colour_jitter": 0.8, "blur": 0.5, **options})

    def __call__(self, sample: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
        """Transform one sample; the result depends on the sample and the state of the generator only.

        Args:
            sample: "image" uint8 (H, W, 3), at most one of "depth" and "disparity" float32 (H, W), "name"; beside a
                label perhaps "label_weights" float32 (H, W), what its pixels count in the losses.
            random: source of all randomness.

        Returns:
            "pixel_values" float32 (3, h, w), "name", and, where they apply, "labels" and "label_weights" float32
            (h, w) and "clean_pixel_values" float32 (3, h, w).

        Raises:
            ValueError: depth and disparity in one sample, a label of another size, a disparity label for target
                "depth", haze without depth, or infinite disparity; the message names the sample.
        """
        name = sample["name"]
        kind, label = _label_of(sample)
        if self.target == "depth" and kind == "disparity":
            raise ValueError(
                f"{name}: target='depth' needs labels in metres, but disparity has no unit; "
                "use sources with depth, or target='disparity' (`depth-anything-hf train --recipe adapt`); disparity "
                "in pixels of a stereo camera becomes metres by an encoding with focal and baseline (docs/formats.md)"
            )
        if self.haze and kind != "depth":
            raise ValueError(
                f"{name}: haze=True needs depth in metres, the sample has {kind or 'no label'}; set haze=False"
            )
        image, label, weights = self._resize_crop_and_flip(sample["image"], label, sample.get(WEIGHTS), random)
        if self.haze and label is not None:
            image = add_haze(image, label, *sample_haze(random))
        result = {"pixel_values": _normalize(self._recolour(image, random)), "name": name}
        if self.keep_clean:
            result["clean_pixel_values"] = _normalize(_unit_range(image))
        if label is not None:
            result["labels"] = torch.from_numpy(np.ascontiguousarray(self._target_of(label, kind, name)))
            if weights is not None:
                result[WEIGHTS] = torch.from_numpy(np.ascontiguousarray(weights, dtype=np.float32))
        return result

    def _resize_crop_and_flip(
        self,
        image: np.ndarray,
        label: np.ndarray | None,
        weights: np.ndarray | None,
        random: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        height, width = self.crop_size
        resized_height, resized_width = covering_size(image.shape[:2], (height, width))
        top = int(random.integers(resized_height - height + 1))
        left = int(random.integers(resized_width - width + 1))
        image = resize_image(image, (resized_height, resized_width))[top : top + height, left : left + width]
        maps = [label, weights]
        if label is not None:
            rows = _nearest_indices(label.shape[0], resized_height)[top : top + height]
            columns = _nearest_indices(label.shape[1], resized_width)[left : left + width]
            maps = [None if each is None else each[rows[:, None], columns] for each in maps]
        for axis, probability in ((1, self.horizontal_flip), (0, self.vertical_flip)):
            if random.random() < probability:
                image = np.flip(image, axis)
                maps = [None if each is None else np.flip(each, axis) for each in maps]
        return np.ascontiguousarray(image), maps[0], maps[1]

    def _recolour(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Apply channel gain, jitter and blur to a uint8 image: float32 (h, w, 3) in [0, 1]."""
        colours = _unit_range(image)
        if self.channel_gain > 0:
            gains = random.uniform(1 - self.channel_gain, 1 + self.channel_gain, size=3).astype(np.float32)
            colours = np.clip(colours * gains, 0, 1)
        if random.random() < self.colour_jitter:
            colours = self._jitter(colours, random)
        if random.random() < self.blur:
            sigma = random.uniform(*BLUR_SIGMA_RANGE_PIXELS)
            colours = cv2.GaussianBlur(colours, (0, 0), sigmaX=sigma)
        return colours

    def _jitter(self, colours: np.ndarray, random: np.random.Generator) -> np.ndarray:
        steps: list[tuple[Callable[[np.ndarray, float], np.ndarray], float]] = [
            (scale_brightness, _jitter_factor(self.brightness, random)),
            (scale_contrast, _jitter_factor(self.contrast, random)),
            (scale_saturation, _jitter_factor(self.saturation, random)),
            (shift_hue, random.uniform(-self.hue, self.hue)),
        ]
        for index in random.permutation(len(steps)):
            adjust, amount = steps[index]
            colours = adjust(colours, amount)
        return colours

    def _target_of(self, label: np.ndarray, kind: str | None, name: str) -> np.ndarray:
        if self.target == "depth":
            inside = np.isfinite(label) & (label >= self.min_depth) & (label <= self.max_depth)
            return np.where(inside, label, np.nan).astype(np.float32)
        if kind == "depth":
            # Nearer than that nothing is measured, and the inverse would overflow or outweigh all else.
            label = np.where(label < SMALLEST_DEPTH_METRES, np.nan, label)
            disparity = depth_to_disparity(self._clip_near_depth(label)).astype(np.float32)
        else:
            disparity = self._clip_near_disparity(label, name).astype(np.float32)
        if np.isinf(disparity).any():
            raise ValueError(f"{name}: its {kind} gives infinite disparity; mark invalid pixels by NaN")
        return disparity

    def _clip_near_depth(self, depth: np.ndarray) -> np.ndarray:
        limit = self._near_metres
        if self._near_share > 0:
            measured = depth[np.isfinite(depth)]
            limit = float(np.quantile(measured, self._near_share)) if measured.size else 0.0
        clipped: np.ndarray = np.maximum(depth, depth.dtype.type(limit)) if limit > 0 else depth
        return clipped

    def _clip_near_disparity(self, disparity: np.ndarray, name: str) -> np.ndarray:
        if self._near_metres > 0:
            raise ValueError(
                f"{name}: near_clip is {self.near_clip} metres, but the label is disparity, which has no unit; give a "
                "percentage of the pixels, such as '2%'"
            )
        measured = disparity[np.isfinite(disparity) & (disparity > 0)] if self._near_share > 0 else disparity[:0]
        if not measured.size:
            return disparity
        clipped: np.ndarray = np.minimum(disparity, disparity.dtype.type(np.quantile(measured, 1 - self._near_share)))
        return clipped


def parse_near_clip(text: str | float | None) -> tuple[float, float]:
    """Return `near_clip` as (share of the pixels, metres), of which one at least is 0.

    Raises:
        ValueError: it is no percentage below 50 and no positive number of metres.
    """
    if text is None:
        return 0.0, 0.0
    written = str(text).strip()
    is_share = written.endswith("%")
    try:
        value = float(written.removesuffix("%"))
    except ValueError:
        value = math.nan
    if not 0 < value < (50 if is_share else math.inf):
        raise ValueError(
            f"near_clip is {text!r}, expected a percentage of the pixels above 0% and below 50%, such as '2%', or "
            "metres above 0, such as 0.1"
        )
    return (value / 100, 0.0) if is_share else (0.0, value)


def covering_size(size: tuple[int, int], crop: tuple[int, int]) -> tuple[int, int]:
    """Return the smallest (height, width) of the aspect of `size` that covers `crop`, all in pixels."""
    scale = max(crop[0] / size[0], crop[1] / size[1])
    return max(crop[0], round(size[0] * scale)), max(crop[1], round(size[1] * scale))


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize (H, W, 3) to (height, width): area averaging when it shrinks, bicubic interpolation when it grows."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] < image.shape[0] or size[1] < image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def scale_brightness(colours: np.ndarray, factor: float) -> np.ndarray:
    """Multiply colours, float32 (h, w, 3) in [0, 1], and clip them to that range."""
    return np.clip(colours * np.float32(factor), 0, 1)


def scale_contrast(colours: np.ndarray, factor: float) -> np.ndarray:
    """Move colours away from (factor > 1) or towards (< 1) the mean grey of the image, clipped to [0, 1]."""
    mean_grey = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY).mean()
    moved: np.ndarray = np.clip(mean_grey + (colours - mean_grey) * np.float32(factor), 0, 1)
    return moved


def scale_saturation(colours: np.ndarray, factor: float) -> np.ndarray:
    """Move colours away from (factor > 1) or towards (< 1) the grey of each pixel, clipped to [0, 1]."""
    grey = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)[..., None]
    return np.clip(grey + (colours - grey) * np.float32(factor), 0, 1)


def shift_hue(colours: np.ndarray, turns: float) -> np.ndarray:
    """Rotate the hue by a share of the colour circle; grey stays grey."""
    if turns == 0:
        return colours
    hue_saturation_value = cv2.cvtColor(colours, cv2.COLOR_RGB2HSV)
    hue_saturation_value[..., 0] = (hue_saturation_value[..., 0] + np.float32(360 * turns)) % 360
    return cv2.cvtColor(hue_saturation_value, cv2.COLOR_HSV2RGB)


def _check_side(side: int) -> None:
    if side < PATCH_SIZE or side % PATCH_SIZE:
        nearest = max(PATCH_SIZE, round(side / PATCH_SIZE) * PATCH_SIZE)
        raise ValueError(
            f"size must be a multiple of {PATCH_SIZE} (the patch size), got {side}; the nearest is {nearest}"
        )


def _jitter_factor(strength: float, random: np.random.Generator) -> float:
    return random.uniform(max(0.0, 1 - strength), 1 + strength)


def _nearest_indices(source: int, target: int) -> np.ndarray:
    """Return the index of the source pixel that holds the centre of each target pixel."""
    return ((2 * np.arange(target) + 1) * source) // (2 * target)


def _label_of(sample: dict[str, Any]) -> tuple[str | None, np.ndarray | None]:
    kinds = [kind for kind in ("depth", "disparity") if kind in sample]
    if not kinds:
        return None, None
    if len(kinds) == 2:
        raise ValueError(f"{sample['name']}: expected depth or disparity, got both; leave one out")
    label = sample[kinds[0]]
    if label.shape != sample["image"].shape[:2]:
        raise ValueError(
            f"{sample['name']}: expected a label of the size of the image, {sample['image'].shape[:2]}, "
            f"got {label.shape} (height, width)"
        )
    weights = sample.get(WEIGHTS)
    if weights is not None and weights.shape != label.shape:
        raise ValueError(
            f"{sample['name']}: expected {WEIGHTS} of the size of the label, {label.shape}, "
            f"got {weights.shape} (height, width)"
        )
    return kinds[0], label


def _unit_range(image: np.ndarray) -> np.ndarray:
    return image * np.float32(1 / 255)


def _normalize(colours: np.ndarray) -> torch.Tensor:
    """float32 (h, w, 3) in [0, 1] -> float32 (3, h, w), normalized by the statistics of ImageNet."""
    channels = [(colours[..., index] - IMAGENET_MEAN[index]) / IMAGENET_STD[index] for index in range(3)]
    return torch.from_numpy(np.stack(channels))
