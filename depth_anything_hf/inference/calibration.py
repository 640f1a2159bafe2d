# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From a relative model's disparity to metres: scale and shift, fitted on a few measured points and saved as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from ..geometry.alignment import fit_scale_and_shift
from ..geometry.maps import check_same_shape
from ..utils.files import atomic_write
from ..utils.paths import local_path
from ..utils.redaction import redact_name
from ..utils.typed_fields import convert_argument, convert_fields


Form = Literal["disparity", "log"]
FORMS: tuple[str, ...] = get_args(Form)
FILE_KIND = "depth_anything_hf.calibration"
FILE_VERSION = 1
# The robust fit looks at every pair of points; of more than these, so many are drawn.
MAX_ROBUST_POINTS = 2000


@dataclass(frozen=True)
class Calibration:
    """Scale and shift that turn a relative model's disparity into metres.

    - form "disparity": `1 / depth = scale * disparity + shift`, with a positive scale: what a model trained with a
      scale- and shift-invariant loss predicts;
    - form "log": `ln depth = scale * ln disparity + shift`, with a negative scale: a power law, for models whose
      disparity is bent (a scale of -1 is the form "disparity" without a shift).

    Scale and shift of a relative model differ from image to image. A calibration holds for the image it was fitted on,
    or for a fixed camera whose scene hardly changes; `fit_per_image` shows how far it carries.

    Attributes:
        form: "disparity" or "log".
        scale: see above.
        shift: see above.
        points: number of measured points behind it.
        points_beyond: how many of them it puts beyond every distance (`apply` gives NaN), a sign of wrong points or of
            the wrong form.
        abs_rel: mean of |calibrated - measured| / measured over the other points.
        smallest_disparity: of those points; below it the calibration extrapolates.
        largest_disparity: of those points.
        model_id: the model whose disparity this is; "" if unknown.
        input_size: shorter side at which the model saw the image, pixels; other sizes give another disparity. None if
            unknown.
    """

    form: Form
    scale: float
    shift: float
    points: int
    points_beyond: int
    abs_rel: float
    smallest_disparity: float
    largest_disparity: float
    model_id: str = ""
    input_size: int | None = None

    def __post_init__(self) -> None:
        convert_fields(self)
        if self.form not in FORMS:
            raise ValueError(f"form must be one of {list(FORMS)}, got {self.form!r}.")
        if self.points < 2:
            raise ValueError(f"a calibration needs at least two points, got {self.points}.")
        if self.form == "disparity" and self.scale <= 0:
            raise ValueError(f"the scale must be positive: a larger disparity is nearer; got {self.scale}.")
        if self.form == "log" and self.scale >= 0:
            raise ValueError(
                f"the scale of form 'log' must be negative: a larger disparity is nearer; got {self.scale}."
            )

    def apply(self, disparity: np.ndarray, max_depth: float | None = None) -> np.ndarray:
        """Convert a disparity map to depth.

        Args:
            disparity: any shape, raw output of the model that was calibrated, larger = nearer.
            max_depth: metres; farther pixels get this value. None keeps them.

        Returns:
            Same shape, float32 metres. Where the calibrated inverse depth (form "log": the disparity) is not positive,
            the pixel lies beyond every distance that the calibration knows: `max_depth`, or NaN if that is None. NaN
            stays NaN.

        Raises:
            ValueError: if `max_depth` is not positive.
        """
        if max_depth is not None and not max_depth > 0:
            raise ValueError(f"max_depth must be positive, got {max_depth}.")
        values = np.asarray(disparity, dtype=np.float64)
        base = self.scale * values + self.shift if self.form == "disparity" else values
        usable = base > 0
        positive = np.where(usable, base, 1.0)
        with np.errstate(over="ignore"):
            depth = 1.0 / positive if self.form == "disparity" else np.exp(self.scale * np.log(positive) + self.shift)
            if max_depth is not None:
                depth = np.minimum(np.where(usable, depth, max_depth), max_depth)
                return np.where(np.isnan(values), np.nan, depth).astype(np.float32)
            return np.where(usable, depth, np.nan).astype(np.float32)

    def extrapolated_share(self, disparity: np.ndarray) -> float:
        """Return the share of finite pixels with a disparity outside the measured points' range; NaN if none is."""
        values = np.asarray(disparity, dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size == 0:
            return float("nan")
        return float(((values < self.smallest_disparity) | (values > self.largest_disparity)).mean())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the calibration as JSON, complete or not at all; an older file of any kind is replaced.

        Args:
            path: of the file; its folder is made if it does not exist.

        Of a model in a folder only the folder's name is written, so that the file may be published.

        Returns:
            The file.

        Raises:
            OSError: the file cannot be written; an older one stays.
        """
        path = local_path(path)
        record = {"kind": FILE_KIND, "version": FILE_VERSION, **asdict(self), "model_id": redact_name(self.model_id)}
        atomic_write(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        return path

    @classmethod
    def is_at(cls, path: Path) -> bool:
        """Return whether a file is a calibration that `load` reads, and no link to one."""
        try:
            cls.load(path)
        except (OSError, ValueError):
            return False
        return not path.is_symlink()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Calibration:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: naming the file, if it is no calibration, of another version, or its numbers make no sense.
        """
        path = local_path(path)
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise FileNotFoundError(
                f"no calibration at {path}; create one with `depth-anything-hf calibrate`."
            ) from None
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from error
        if not isinstance(record, dict) or record.pop("kind", None) != FILE_KIND:
            raise ValueError(f"{path} is not a calibration: expected a JSON object with kind {FILE_KIND!r}.")
        version = record.pop("version", None)
        if version != FILE_VERSION:
            raise ValueError(f"{path} has version {version!r}, this package reads {FILE_VERSION}; fit it again.")
        try:
            return cls(**_check_fields(record))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def fit_calibration(
    disparity: np.ndarray,
    depth: np.ndarray,
    form: Form = "disparity",
    weights: np.ndarray | None = None,
    *,
    robust: bool = False,
    model_id: str = "",
    input_size: int | None = None,
) -> Calibration:
    """Fit scale and shift from disparity to measured depth; exact for two points.

    The fit is least squares in the form's own quantity: in inverse depth for "disparity", where near points weigh
    most, and in the logarithm of depth for "log", where equal relative errors weigh the same. Give weights for points
    that were measured better.

    Args:
        disparity: raw model output at the measured points, larger = nearer; any shape.
        depth: measured depth along the optical axis in metres, same shape. NaN and `+inf` mean not measured, as in a
            label map, so a whole depth map can be given.
        form: see `Calibration`.
        weights: same shape, not negative, or None for equal weights; points of weight 0 do not count.
        robust: take the median of the slopes of all pairs of points, then the median of the offsets (Theil, 1950; Sen,
            1968), which up to 29 % of wrong points cannot carry away. Without weights; of more than 2,000 points it
            takes 2,000 at random, always the same.
        model_id: kept in the calibration.
        input_size: kept in the calibration.

    Raises:
        ValueError: if the shapes differ, fewer than two points count, a depth is not positive, a disparity is not
            finite (form "log": not positive), all disparities are equal, or the farther points have the larger
            disparity.
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {list(FORMS)}, got {form!r}.")
    robust = convert_argument("robust", robust, bool)
    disparity, depth = np.asarray(disparity, dtype=np.float64), np.asarray(depth, dtype=np.float64)
    weights = np.ones(depth.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    check_same_shape(disparity=disparity, depth=depth, weights=weights)
    if robust and np.ptp(weights) > 0:
        raise ValueError("the robust fit takes no weights; leave out the points that should not count.")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("weights must be finite and not negative; give unwanted points the weight 0.")
    counted = np.isfinite(depth) & (weights > 0)
    values, metres = disparity[counted], depth[counted]
    _check_points(values, metres, form)
    predictor = values if form == "disparity" else np.log(values)
    target = 1.0 / metres if form == "disparity" else np.log(metres)
    if robust:
        scale, shift = _median_of_slopes(predictor, target)
    else:
        scale, shift = fit_scale_and_shift(predictor, target, np.ones(values.shape, dtype=bool), weights[counted])
    if (scale <= 0) if form == "disparity" else (scale >= 0):
        raise ValueError(
            "the measurements contradict the prediction: points measured farther away have the larger disparity "
            f"(fitted scale {scale:.4g}). Check that the depths belong to these points, that they are distances and "
            "not inverse distances, and that the model predicts disparity."
        )
    smallest, largest = float(values.min()), float(values.max())
    fit = Calibration(form, scale, shift, metres.size, 0, 0.0, smallest, largest, model_id, input_size)
    predicted = fit.apply(values)
    return replace(fit, points_beyond=int(np.isnan(predicted).sum()), abs_rel=_abs_rel(predicted, metres))


@dataclass(frozen=True)
class PerImageFit:
    """How far one calibration carries over several images of a relative model.

    Attributes:
        pooled: fitted on the points of all images together.
        per_image: image name to the calibration fitted on its own points.
        pooled_abs_rel: image name to the mean relative error of `pooled` on its points, without those that it puts
            beyond every distance. Compare with `per_image[name].abs_rel`.
        without_fit: image name to the reason why it has none of its own, e.g. a single point.
    """

    pooled: Calibration
    per_image: dict[str, Calibration]
    pooled_abs_rel: dict[str, float]
    without_fit: dict[str, str]

    @property
    def scale_spread(self) -> float:
        """Largest over smallest scale of the per-image fits, in magnitude: 1 = one fits all; NaN if there is none."""
        scales = [abs(fit.scale) for fit in self.per_image.values()]
        return max(scales) / min(scales) if scales else float("nan")


def fit_per_image(
    points: Mapping[str, tuple[np.ndarray, np.ndarray]], form: Form = "disparity", **options: Any
) -> PerImageFit:
    """Fit each image's points and all points together, to see whether one calibration is enough.

    Args:
        points: image name to `(disparity, depth)`, as in `fit_calibration`.
        form: see `Calibration`.
        **options: `robust`, `model_id` and `input_size` of `fit_calibration`.

    Raises:
        ValueError: if the pooled fit is impossible; an image without a fit of its own is listed in the result instead.
    """
    if not points:
        raise ValueError("points is empty, so no image with measured points was given; give at least one.")
    flat = {name: (np.ravel(disparity), np.ravel(depth)) for name, (disparity, depth) in points.items()}
    disparities, depths = (np.concatenate(maps) for maps in zip(*flat.values(), strict=True))
    pooled = fit_calibration(disparities, depths, form, **options)
    per_image, pooled_abs_rel, without_fit = {}, {}, {}
    for name, (disparity, depth) in flat.items():
        try:
            per_image[name] = fit_calibration(disparity, depth, form, **options)
        except ValueError as error:
            without_fit[name] = str(error)
        measured = np.isfinite(depth)
        pooled_abs_rel[name] = _abs_rel(pooled.apply(disparity[measured]), depth[measured])
    return PerImageFit(pooled, per_image, pooled_abs_rel, without_fit)


def _abs_rel(predicted: np.ndarray, depth: np.ndarray) -> float:
    has_depth = ~np.isnan(predicted)
    if not has_depth.any():
        return float("nan")
    return float(np.mean(np.abs(predicted[has_depth] - depth[has_depth]) / depth[has_depth]))


def _check_points(disparity: np.ndarray, depth: np.ndarray, form: str) -> None:
    if depth.size < 2:
        raise ValueError(f"scale and shift need at least two measured points, got {depth.size}.")
    if (depth <= 0).any():
        raise ValueError(f"measured depths must be positive metres, the smallest is {depth.min()}.")
    if not np.isfinite(disparity).all():
        raise ValueError(f"the disparity is not finite at {int((~np.isfinite(disparity)).sum())} measured points.")
    if form == "log" and (disparity <= 0).any():
        raise ValueError(
            f"form 'log' needs positive disparities, the smallest is {disparity.min()}; leave those points out or use "
            "form='disparity'."
        )
    if disparity.min() == disparity.max():
        raise ValueError(
            f"all {disparity.size} points have the disparity {disparity.min()}; measure points at different distances."
        )


def _median_of_slopes(predictor: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    if predictor.size > MAX_ROBUST_POINTS:
        drawn = np.random.default_rng(0).choice(predictor.size, MAX_ROBUST_POINTS, replace=False)
        predictor, target = predictor[drawn], target[drawn]
    first, second = np.triu_indices(predictor.size, k=1)
    run = predictor[second] - predictor[first]
    rise = target[second] - target[first]
    scale = float(np.median(rise[run != 0] / run[run != 0]))
    return scale, float(np.median(target - scale * predictor))


def _check_fields(record: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[str, tuple[type, ...]] = {
        "form": (str,),
        **dict.fromkeys(("scale", "shift", "abs_rel", "smallest_disparity", "largest_disparity"), (int, float)),
        **dict.fromkeys(("points", "points_beyond"), (int,)),
        "model_id": (str,),
        "input_size": (int, type(None)),
    }
    if set(record) != set(kinds):
        missing, unknown = sorted(set(kinds) - set(record)), sorted(set(record) - set(kinds))
        raise ValueError(f"expected the fields {list(kinds)}; missing {missing}, unknown {unknown}.")
    for name, value in record.items():
        if not isinstance(value, kinds[name]) or isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}, expected {' or '.join(kind.__name__ for kind in kinds[name])}.")
    return record
