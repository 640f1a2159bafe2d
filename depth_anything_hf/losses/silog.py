# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scale-invariant logarithmic error."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from torch import Tensor

from ._maps import EXCLUDE, check_on_cpu, masked_mean, nan_where_empty, no_autocast, valid_maps


SilogOver: TypeAlias = Literal["batch", "image"]


def silog_loss(
    prediction: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    variance_focus: float = 0.5,
    eps: float = 1e-6,
    over: SilogOver = "image",
    weights: Tensor | None = None,
) -> Tensor:
    """Compute the scale-invariant logarithmic error (Eigen et al., arXiv 1406.2283), the loss of the metric models.

    With `g = log(prediction) - log(target)` over the valid pixels: `sqrt(mean(g^2) - variance_focus * mean(g)^2 +
    eps^2)`. It is computed as `var(g) + (1 - variance_focus) * mean(g)^2`, which cannot become negative by rounding.

    Args:
        prediction: (B, H, W), depth in metres. Values below `eps` count as `eps` and get no gradient.
        target: (B, H, W), depth in metres, above 0; NaN = invalid. The sky (`+inf`) has to be masked out.
        mask: bool (B, H, W) or None.
        variance_focus: in [0, 1]; 0 is the plain logarithmic error, 1 ignores a common factor. Depth Anything V2 takes
            0.5.
        eps: metres, smallest depth of which the logarithm is taken. It is also the value for a perfect prediction,
            where the square root alone would have an infinite gradient.
        over: "image" takes the means over the valid pixels of each image; "batch" over those of all images together,
            as DepthAnything/Depth-Anything-V2 does (metric_depth/util/loss.py): an image with more valid pixels weighs
            more, and a common factor has to be right for all images at once.
        weights: (B, H, W), what each pixel counts in the means, at least 0; a pixel of weight 0 is invalid. None: 1.

    Returns:
        (B,), at least `eps`; NaN for an image without a valid pixel. Over the batch the others have one value, which
        is also their mean.

    Raises:
        ValueError: for shapes that differ, a mask that is not boolean, `variance_focus` outside [0, 1], or (on the
            CPU) valid pixels that are not finite or whose target is not above 0; or an unknown `over`.
    """
    check_silog_over(over)
    if not 0 <= variance_focus <= 1:
        raise ValueError(f"variance_focus must be in [0, 1], got {variance_focus}.")
    with no_autocast(prediction):
        maps = valid_maps(prediction, target, mask, weights)
        check_on_cpu(maps.valid & (maps.target <= 0), "valid pixels have a target that is not above 0", EXCLUDE)
        ratio = maps.prediction.clamp(min=eps).log() - maps.target.clamp(min=eps).log()
        # One tall image stands for all of the batch.
        valid = maps.valid.flatten(0, 1)[None] if over == "batch" else maps.valid
        ratio = ratio.reshape(valid.shape)
        weights = None if maps.weights is None else maps.weights.reshape(valid.shape)
        mean = masked_mean(ratio, valid, weights)
        variance = masked_mean((ratio - mean[:, None, None]).square(), valid, weights)
        error = (variance + (1 - variance_focus) * mean.square() + eps**2).sqrt()
        return nan_where_empty(error.expand(len(maps.valid)), maps.valid)


def check_silog_over(over: str) -> None:
    """Raise ValueError unless it is one of the choices of `silog_loss`."""
    if over not in get_args(SilogOver):
        raise ValueError(f"silog_over is {over!r}, expected 'batch' (as Depth Anything V2) or 'image'")
