# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metrics of order: pixel pairs against a label or another prediction, and annotated point pairs."""

from __future__ import annotations

import numpy as np

from ..geometry.maps import check_same_shape, depth_inside, finite_inside, values_at_pixels


def ordinal_accuracy(
    prediction_disparity: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray,
    pairs: int = 5000,
    min_ratio: float = 1.1,
    seed: int = 0,
) -> float:
    """Compute the share of random pixel pairs that the raw output, without alignment, puts in the right order.

    `pairs` pairs are drawn with replacement from the mask; those whose depths differ by more than `min_ratio` count. A
    pair is right if the nearer pixel has the larger value, and half right if the values are equal, so that a constant
    map scores 0.5. It is one minus the error rate of relative depth (Chen et al., arXiv 1604.03901) on clearly ordered
    pairs, and unlike the aligned metrics it cannot be ruined by one pixel.

    Args:
        prediction_disparity: (H, W), larger = nearer, finite inside the mask. For a depth prediction pass its
            negative.
        depth: (H, W) label, positive inside the mask; `+inf` (sky) is farther than any finite depth.
        mask: (H, W) bool.
        pairs: number of pairs drawn.
        min_ratio: depth ratio that a pair must exceed, >= 1.
        seed: of the generator that draws the pairs; the same seed and mask give the same pairs.

    Returns:
        A number in [0, 1]; NaN if no drawn pair qualifies (also for an empty mask).

    Raises:
        ValueError: if the shapes differ, the label is not positive or the prediction not finite inside the mask, or
            `min_ratio` is less than 1.
    """
    check_same_shape(prediction_disparity=prediction_disparity, depth=depth, mask=mask)
    mask = np.asarray(mask, dtype=bool)
    values = finite_inside(prediction_disparity, mask, "prediction_disparity")
    true = depth_inside(depth, mask)
    first, second = _random_pairs(values.size, pairs, seed)
    clear = _ratio_exceeds(true[first], true[second], min_ratio)
    return _order_agreement(values[first] - values[second], true[second] > true[first], clear)


def pairwise_agreement(
    first: np.ndarray,
    second: np.ndarray,
    pairs: int = 5000,
    seed: int = 0,
    *,
    mask: np.ndarray | None = None,
    depth: np.ndarray | None = None,
    min_ratio: float = 1.1,
    min_difference: float = 0.05,
) -> float:
    """Compute the share of random pixel pairs that two predictions, such as student and teacher, order alike.

    Only pairs with a clear order count: with `depth`, those whose depth ratio exceeds `min_ratio`; without it, those
    whose values in the second map differ by more than `min_difference` of that map's range in the mask. A pair that
    one map ties and the other orders counts half; a pair that both tie counts as agreed.

    Args:
        first: (H, W), the judged disparity, finite inside the mask.
        second: (H, W), the reference disparity, finite inside the mask.
        pairs: number of pairs drawn with replacement.
        seed: of the generator that draws the pairs.
        mask: (H, W) bool; None takes all pixels, or with `depth` all pixels that have one.
        depth: (H, W) label that says which pairs are clear, positive inside the mask, or None.
        min_ratio: depth ratio that a pair must exceed, >= 1; used with `depth`.
        min_difference: share of the reference's range that a pair must exceed, >= 0; used without `depth`.

    Returns:
        A number in [0, 1]; NaN if no drawn pair qualifies.

    Raises:
        ValueError: if the shapes differ, a map is not finite or the label not positive inside the mask, or a threshold
            is out of range.
    """
    if mask is None:
        mask = np.ones(second.shape, dtype=bool) if depth is None else depth > 0
    check_same_shape(first=first, second=second, mask=mask, depth=mask if depth is None else depth)
    mask = np.asarray(mask, dtype=bool)
    judged = finite_inside(first, mask, "first")
    reference = finite_inside(second, mask, "second")
    left, right = _random_pairs(judged.size, pairs, seed)
    reference_difference = reference[left] - reference[right]
    if depth is not None:
        true = depth_inside(depth, mask)
        clear = _ratio_exceeds(true[left], true[right], min_ratio)
    elif min_difference < 0:
        raise ValueError(f"min_difference must not be negative, got {min_difference}.")
    else:
        spread = np.ptp(reference) if reference.size else 0.0
        clear = np.abs(reference_difference) > min_difference * spread
    if not clear.any():
        return float("nan")
    signs_apart = np.abs(np.sign(judged[left] - judged[right]) - np.sign(reference_difference))
    return float(1.0 - signs_apart[clear].mean() / 2.0)


def point_pairs_correct(prediction_disparity: np.ndarray, nearer: np.ndarray, farther: np.ndarray) -> np.ndarray:
    """Tell which annotated pairs a prediction orders right, as DA-2K does (arXiv 2406.09414).

    A pair is right if the value at the nearer point is strictly larger. The accuracy of a dataset is the mean over all
    its pairs, not over images.

    Args:
        prediction_disparity: (H, W) at the annotation's size, larger = nearer. For a depth prediction pass its
            negative.
        nearer: (N, 2) whole numbers, [row, column] of the point annotated as nearer.
        farther: (N, 2), of the other one.

    Returns:
        (N,) bool.

    Raises:
        ValueError: if the points do not pair up, lie outside the map (the point is named) or on a pixel where the
            prediction is NaN.
    """
    values_nearer = values_at_pixels(prediction_disparity, nearer, "nearer")
    values_farther = values_at_pixels(prediction_disparity, farther, "farther")
    if values_nearer.shape != values_farther.shape:
        raise ValueError(f"nearer and farther must have the same length, got {len(nearer)} and {len(farther)} points.")
    if np.isnan(values_nearer).any() or np.isnan(values_farther).any():
        raise ValueError("the prediction is NaN at an annotated point; it must have a value at every pixel.")
    return values_nearer > values_farther


def _order_agreement(difference: np.ndarray, first_is_nearer: np.ndarray, clear: np.ndarray) -> float:
    if not clear.any():
        return float("nan")
    wanted = np.where(first_is_nearer, 1.0, -1.0)
    return float(0.5 + 0.5 * (np.sign(difference) * wanted)[clear].mean())


def _random_pairs(count: int, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    if count == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    drawn = np.random.default_rng(seed).integers(0, count, size=(2, pairs))
    return drawn[0], drawn[1]


def _ratio_exceeds(first: np.ndarray, second: np.ndarray, min_ratio: float) -> np.ndarray:
    if min_ratio < 1:
        raise ValueError(f"min_ratio must be at least 1, got {min_ratio}.")
    # A product and not a quotient: two sky pixels give inf > inf, which is false, where inf / inf would be NaN.
    exceeds: np.ndarray = np.maximum(first, second) > min_ratio * np.minimum(first, second)
    return exceeds
