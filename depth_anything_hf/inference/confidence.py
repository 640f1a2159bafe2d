# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Confidence of a prediction: how well it agrees with those of the mirrored image and of the image at another size."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..data.decoding.errors import UnreadableImageError
from ..data.decoding.limits import open_picture
from ..data.decoding.map_meaning import MEANING_KEYWORD, describe_picture
from ..geometry.alignment import fit_robust_scale_and_shift
from ..geometry.disparity import PredictionKind
from ..utils.messages import counted
from ..utils.paths import local_path
from ..visualization.colour_maps import LARGEST_CODE
from ..visualization.encode import encode_png


SUFFIX = "_confidence.png"
PICTURE = "confidence"
FORMULA = "confidence = code / 65535"
# Of more pixels, every n-th tells scale, shift, percentile and deviation.
MOST_PIXELS = 100_000
# Where the disparity of what is farthest begins, and how much is added to what lies above it, in mean deviations.
FARTHEST_PERCENTILE, SHARE_OF_DEVIATION = 2.0, 0.25


def find_confidence(first: np.ndarray, others: Sequence[np.ndarray], prediction_kind: PredictionKind) -> np.ndarray:
    """Return the confidence of each pixel by the disagreement of further predictions of the same image.

    `confidence = exp(-disagreement)`, and the disagreement u is the mean over the further predictions k of

    - depth: `u = |ln z_k - ln z_1|`, so that confidence is the geometric mean of `min(z_k / z_1, z_1 / z_k)`: 0.8 is
      a factor of 1.25 between them;
    - disparity: `u = |d_k - d_1| / (max(d_1 - q, 0) + s / 4)`, where each d_k is first brought to d_1 by the robust
      scale and shift of `fit_robust_scale_and_shift`, q is the 2nd percentile of d_1, which stands for what is
      farthest, and s its mean absolute deviation from the median; of more than 100,000 pixels, all three are taken of
      every n-th. That is the relative error of depth where q is the
      horizon, and has no end at it. Scale and shift of d_1 have no effect. A d_k in reversed order is taken as one
      number everywhere, the median of d_1.

    Args:
        first: float32 (H, W), the prediction.
        others: float32 (H, W) each, at least one.
        prediction_kind: "disparity" or "depth".

    Returns:
        float32 (H, W), more than 0 to 1; 0 where one of the predictions has no value (NaN, infinity, depth that is
        not positive).
    """
    maps = [first, *others]
    valid = np.logical_and.reduce([np.isfinite(one) & ((one > 0) | (prediction_kind == "disparity")) for one in maps])
    if not valid.any():
        return np.zeros(first.shape, dtype=np.float32)
    values = np.where(valid, first, 1).astype(np.float32)
    disagreement = np.zeros(first.shape, dtype=np.float32)
    if prediction_kind == "depth":
        for other in others:
            disagreement += np.abs(np.log(np.where(valid, other, 1) / values))
    else:
        step = -(-int(valid.sum()) // MOST_PIXELS)
        sample = values[valid][::step].astype(np.float64)
        median = float(np.median(sample))
        divisor = disparity_divisor(values, sample)
        for other in others:
            other_sample = other[valid][::step]
            scale, shift = fit_robust_scale_and_shift(other_sample, sample, np.ones(sample.shape, dtype=bool))
            if scale <= 0:
                scale, shift = 0.0, median
            aligned = np.float32(scale) * np.where(valid, other, 0) + np.float32(shift)
            with np.errstate(over="ignore"):
                disagreement += np.abs(aligned - values) / divisor
    confidence: np.ndarray = np.where(valid, np.exp(-disagreement / len(others)), 0).astype(np.float32)
    return confidence


def disparity_divisor(values: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Return what a difference of disparity is divided by to be relative, where shift and scale mean nothing.

    `max(d - q, 0) + s / 4`, with q the 2nd percentile of the sample, which stands for what is farthest, and s its mean
    absolute deviation from the median.

    Args:
        values: float32, any shape, disparity up to scale and shift.
        sample: float64 (N,), finite values of the same map, at least one.

    Returns:
        float32, as `values`, more than 0.
    """
    farthest = float(np.percentile(sample, FARTHEST_PERCENTILE))
    deviation = float(np.abs(sample - np.median(sample)).mean())
    if deviation == 0:
        # A flat prediction has nothing to measure by: what differs at all does so infinitely.
        deviation = float(np.finfo(np.float32).tiny)
    divisor: np.ndarray = np.maximum(values - np.float32(farthest), 0) + np.float32(SHARE_OF_DEVIATION * deviation)
    return divisor


def encode_confidence(confidence: np.ndarray, kind: str) -> bytes:
    """Return a 16-bit grey PNG of a confidence, 0 to 1 as the codes 0 to 65535, which says what it is.

    Args:
        confidence: float32 (H, W), 0 to 1.
        kind: "disparity" or "depth", of the prediction that it belongs to.
    """
    codes = np.rint(np.clip(confidence, 0, 1).astype(np.float64) * LARGEST_CODE).astype(np.uint16)
    told = {**json.loads(describe_picture(kind, PICTURE)), "formula": FORMULA}
    return encode_png(codes, {MEANING_KEYWORD: json.dumps(told)})


def read_confidence(path: str | os.PathLike[str]) -> np.ndarray:
    """Read NAME_confidence.png, which `predict --confidence` has written.

    Returns:
        float32 (H, W), 0 to 1, to half of 1 / 65535.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: another picture; the message names it.
    """
    path = local_path(path)
    try:
        with open_picture(io.BytesIO(path.read_bytes()), str(path)) as picture:
            told = json.loads(picture.info.get(MEANING_KEYWORD, "{}"))
            codes = np.asarray(picture)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(f"{path}: cannot be read: {error}") from error
    if not isinstance(told, dict) or told.get("picture") != PICTURE or codes.ndim != 2:
        raise UnreadableImageError(f"{path}: expected NAME{SUFFIX} as `predict --confidence` writes it")
    values: np.ndarray = (codes.astype(np.float64) / LARGEST_CODE).astype(np.float32)
    return values


def describe_confidence(images: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a line about the confidence of images, "" where none has one.

    Args:
        images: name -> what `predictions.json` says of its pixels.
    """
    known = {name: float(pixels["confidence"]) for name, pixels in images.items() if "confidence" in pixels}
    if not known:
        return ""
    lowest = min(known, key=lambda name: known[name])
    mean = sum(known.values()) / len(known)
    return (
        f"confidence of {counted(len(known), 'image')}: {mean:.3f} on average, lowest {known[lowest]:.3f} in {lowest}"
        "; it tells how far further passes agree, not how far the prediction is right"
    )
