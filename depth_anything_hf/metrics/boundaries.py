# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metrics of depth boundaries: contours at the same pixels, and distances between edges, in pixels."""

from __future__ import annotations

import cv2
import numpy as np

from ..geometry.maps import check_same_shape, depth_inside, finite_inside, positive_inside


# Of the boundary F1: neighbours whose depths differ by more than this ratio form a contour.
BOUNDARY_THRESHOLDS = np.linspace(1.05, 1.25, 10)
# Of the depth boundary errors: the Canny detector works on a map that spans 0 .. 1.
CANNY_SIGMA_PIXELS = 2**0.5
CANNY_LOW_THRESHOLD = 0.15
CANNY_HIGH_THRESHOLD = 0.3


def boundary_f1(prediction_depth: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> float:
    """Compute the scale-invariant boundary F1 of Depth Pro (arXiv 2410.02073): contours at the label's pixels.

    Two neighbours form a contour at threshold t if the farther one's depth is more than t times the nearer one's.
    Contours are compared separately for the four directions from near to far (left, right, up, down), pixel by pixel
    and without tolerance. Precision and recall are the means over the four directions, where a direction without any
    contour counts 0; F1 is their harmonic mean, and the result is the mean of F1 over ten thresholds 1.05 .. 1.25,
    weighted by t. This is section 4 of the paper with the conventions of its public evaluation; new here are the mask
    (only neighbours that are both inside count) and NaN in place of 0 for a label without contours.

    A factor on the depth does not change the result; a shift of a disparity does. Give a relative prediction the scale
    and shift of the depth metrics first (`align_prediction`).

    Args:
        prediction_depth: (H, W), finite and positive inside the mask, any unit.
        depth: (H, W) label, positive inside the mask; `+inf` (sky) is a contour against every finite depth.
        mask: (H, W) bool.

    Returns:
        A number in [0, 1]; NaN if the label has no contour at any threshold (also for an empty mask).

    Raises:
        ValueError: if the shapes differ or a map has forbidden values inside the mask.
    """
    check_same_shape(prediction_depth=prediction_depth, depth=depth, mask=mask)
    mask = np.asarray(mask, dtype=bool)
    positive_inside(prediction_depth, mask, "prediction_depth")
    depth_inside(depth, mask)
    predicted_ratios, true_ratios = _neighbour_ratios(prediction_depth, mask), _neighbour_ratios(depth, mask)
    if not any((ratios > BOUNDARY_THRESHOLDS[0]).any() for ratios in true_ratios):
        return float("nan")
    scores = [
        _contour_f1(
            [ratios > threshold for ratios in predicted_ratios], [ratios > threshold for ratios in true_ratios]
        )
        for threshold in BOUNDARY_THRESHOLDS
    ]
    return float(np.average(scores, weights=BOUNDARY_THRESHOLDS))


def depth_edges(depth: np.ndarray, mask: np.ndarray, min_ratio: float = 1.25) -> np.ndarray:
    """Find the depth edges of an exact label, one pixel wide: the near side of every occlusion.

    Only for labels that are exact at every pixel, such as rendered ones. The edges of a scanned or filled label are
    partly artefacts; use annotated edges there.

    Args:
        depth: (H, W) label, positive inside the mask; `+inf` is sky.
        mask: (H, W) bool; neighbours must both be inside.
        min_ratio: of the depths of two neighbours, above which the nearer one is an edge, >= 1.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: if the shapes differ, the label is not positive inside the mask, or `min_ratio` is less than 1.
    """
    check_same_shape(depth=depth, mask=mask)
    if min_ratio < 1:
        raise ValueError(f"min_ratio must be at least 1, got {min_ratio}.")
    mask = np.asarray(mask, dtype=bool)
    depth_inside(depth, mask)
    right, left, down, up = (ratios > min_ratio for ratios in _neighbour_ratios(depth, mask))
    edges = np.zeros(mask.shape, dtype=bool)
    edges[:, :-1] |= right
    edges[:, 1:] |= left
    edges[:-1] |= down
    edges[1:] |= up
    return edges


def depth_boundary_errors(
    prediction_depth: np.ndarray,
    edges: np.ndarray,
    mask: np.ndarray | None = None,
    max_distance_pixels: float = 10.0,
) -> dict[str, float]:
    """Compute the depth boundary errors of iBims-1 (Koch et al., arXiv 1805.01328): how far edges are apart.

    The prediction is scaled to 0 .. 1 over the image, smoothed (Gaussian, sigma sqrt(2) pixels), and its edges are
    found by Canny's detector with thresholds 0.15 and 0.3 on the Sobel gradient. Distances are Euclidean, in pixels.

    - accuracy: mean distance of the predicted edge pixels to the nearest true edge, over those nearer than
      `max_distance_pixels`, so that edges that the annotation leaves out do not count;
    - completeness: mean distance over the pixels of both sets, each to the other set, cut at `max_distance_pixels`.

    The thresholds and the two-sided completeness are those of the benchmark's Python evaluation that published tables
    use; the paper's text has the true edges' side alone, and its own tables were made with another detector.

    Args:
        prediction_depth: (H, W), finite in the whole map, any unit and offset: it is scaled to 0 .. 1.
        edges: (H, W) bool, true edges.
        mask: (H, W) bool, pixels whose edges count (distances go to all edges of the other set), or None for all.
        max_distance_pixels: see above; both errors take this value if no predicted edge is nearer than it to a true
            one.

    Returns:
        `edge_accuracy_error` and `edge_completeness_error`, pixels, lower is better; both NaN without a true edge
        inside the mask.

    Raises:
        ValueError: if the shapes differ, the prediction is not finite or `max_distance_pixels` is not positive.
    """
    mask = np.ones(edges.shape, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    check_same_shape(prediction_depth=prediction_depth, edges=edges, mask=mask)
    if not max_distance_pixels > 0:
        raise ValueError(f"max_distance_pixels must be positive, got {max_distance_pixels}.")
    everywhere = np.ones(mask.shape, dtype=bool)
    finite_inside(prediction_depth, everywhere, "prediction_depth")
    true = np.asarray(edges, dtype=bool)
    predicted = canny_edges(prediction_depth)
    if not (true & mask).any():
        return {"edge_accuracy_error": float("nan"), "edge_completeness_error": float("nan")}
    to_true = _distance_pixels(true)
    counted = predicted & mask
    near = counted & (to_true < max_distance_pixels)
    if not near.any():
        return {"edge_accuracy_error": max_distance_pixels, "edge_completeness_error": max_distance_pixels}
    both_ways = np.concatenate([to_true[counted], _distance_pixels(predicted)[true & mask]])
    return {
        "edge_accuracy_error": float(to_true[near].mean()),
        "edge_completeness_error": float(np.minimum(both_ways, max_distance_pixels).mean()),
    }


def canny_edges(values: np.ndarray) -> np.ndarray:
    """Find Canny's edges of a map scaled to 0 .. 1, in float64 (Canny, 1986; conventions of scikit-image).

    OpenCV's own detector takes 8-bit or 16-bit input, in which a distant edge of a depth map is lost, and compares
    along eight directions only; here the gradient magnitude is interpolated along the gradient.

    Args:
        values: (H, W), finite.

    Returns:
        (H, W) bool; the outermost pixels are never edges, and a constant map has none.
    """
    scaled = np.asarray(values, dtype=np.float64)
    scaled = scaled - scaled.min()
    if scaled.max() == 0 or min(scaled.shape) < 3:
        return np.zeros(scaled.shape, dtype=bool)
    smooth = _smoothed(scaled / scaled.max(), CANNY_SIGMA_PIXELS)
    down = cv2.Sobel(smooth, cv2.CV_64F, 0, 1, ksize=3, borderType=cv2.BORDER_REFLECT)
    right = cv2.Sobel(smooth, cv2.CV_64F, 1, 0, ksize=3, borderType=cv2.BORDER_REFLECT)
    magnitude = np.hypot(down, right)
    thin = _is_ridge(magnitude, down, right) & (magnitude >= CANNY_LOW_THRESHOLD)
    _, components = cv2.connectedComponents(thin.astype(np.uint8), connectivity=8)
    kept = np.unique(components[thin & (magnitude >= CANNY_HIGH_THRESHOLD)])
    return thin & np.isin(components, kept)


def _neighbour_ratios(depth: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Depth of the neighbour on the right, on the left, below and above, divided by the pixel's own.

    NaN, with a neighbour outside the mask or between two sky pixels, exceeds no threshold.
    """
    counted = np.where(mask, depth, np.nan).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return (
            counted[:, 1:] / counted[:, :-1],
            counted[:, :-1] / counted[:, 1:],
            counted[1:] / counted[:-1],
            counted[:-1] / counted[1:],
        )


def _contour_f1(predicted: list[np.ndarray], true: list[np.ndarray]) -> float:
    hits = np.array([np.count_nonzero(found & wanted) for found, wanted in zip(predicted, true, strict=True)])
    precision = float(np.mean(hits / [max(np.count_nonzero(found), 1) for found in predicted]))
    recall = float(np.mean(hits / [max(np.count_nonzero(wanted), 1) for wanted in true]))
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _distance_pixels(edges: np.ndarray) -> np.ndarray:
    """Exact Euclidean distance of every pixel to the nearest edge, (H, W) float64; infinite if there is none."""
    if not edges.any():
        return np.full(edges.shape, np.inf)
    return cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float64)


def _smoothed(values: np.ndarray, sigma_pixels: float) -> np.ndarray:
    radius = int(4 * sigma_pixels + 0.5)
    kernel = cv2.getGaussianKernel(2 * radius + 1, sigma_pixels, cv2.CV_64F)
    total, weight = (
        cv2.sepFilter2D(one, cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
        for one in (values, np.ones_like(values))
    )
    return total / weight


def _is_ridge(magnitude: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pixels whose gradient magnitude is not below its interpolated value one pixel ahead and one behind."""
    height, width = magnitude.shape
    inner = np.zeros((height, width), dtype=bool)
    inner[1:-1, 1:-1] = True
    rows, columns = np.nonzero(inner & (magnitude >= CANNY_LOW_THRESHOLD))
    step_down, step_right = down[rows, columns], right[rows, columns]
    steep = np.abs(step_down) > np.abs(step_right)
    row_sign, column_sign = np.where(step_down < 0, -1, 1), np.where(step_right < 0, -1, 1)
    longer = np.maximum(np.abs(step_down), np.abs(step_right))
    share = np.minimum(np.abs(step_down), np.abs(step_right)) / longer
    here = magnitude[rows, columns]
    ridge = np.ones(rows.size, dtype=bool)
    for side in (1, -1):
        straight = magnitude[
            rows + np.where(steep, side * row_sign, 0), columns + np.where(steep, 0, side * column_sign)
        ]
        diagonal = magnitude[rows + side * row_sign, columns + side * column_sign]
        ridge &= here >= (1 - share) * straight + share * diagonal
    result = np.zeros((height, width), dtype=bool)
    result[rows, columns] = ridge
    return result
