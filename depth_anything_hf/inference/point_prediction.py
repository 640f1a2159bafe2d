# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From an image to points in space: its camera, its depth in metres, and how both are known."""

from __future__ import annotations

import math
import os
from typing import Protocol

import numpy as np

from ..data.decoding.limits import allow_pixels
from ..geometry.disparity import PredictionKind
from ..geometry.distortion import undistort
from ..geometry.intrinsics import CameraIntrinsics
from ..geometry.points import EDGE_THRESHOLD
from ..utils.option_errors import OptionError, option_errors
from ..utils.typed_fields import convert_argument
from .calibration import Calibration
from .camera_choice import Camera, CameraChoice
from .image_inputs import ImageSource, as_rgb, fetch_image, name_of
from .point_map import MOST_POINTS, PointMap


# With an assumed scale, what is farther than so many times the median depth has no point: the inverse of a disparity
# near zero, as of the sky, is anything.
FARTHEST_OF_MEDIAN = 100.0


class _Predictor(Protocol):
    """What `predict_points` needs of a predictor."""

    prediction_kind: PredictionKind
    max_pixels: int | None

    def predict(self, image: ImageSource) -> np.ndarray: ...


class PointPrediction:
    """`predict_points` of predictors that have `predict`."""

    def predict_points(
        self: _Predictor,
        image: ImageSource,
        *,
        camera: Camera | None = None,
        focal: float | str | None = None,
        fov: float | None = None,
        sensor_width: float | None = None,
        calibration: Calibration | str | os.PathLike[str] | None = None,
        assume_scale: float | None = None,
        edge_threshold: float = EDGE_THRESHOLD,
        max_points: int = MOST_POINTS,
    ) -> PointMap:
        """Predict the points in space of one image: a cloud, a mesh, normals.

        The camera is the one that is given, by `camera`, `focal` or `fov`, else that of the image's EXIF. An image of
        a lens with distortion is straightened first.

        Args:
            image: as for a call of the predictor.
            camera: intrinsics, a matrix (3, 3) for the image's own size, or the path of a camera file (COLMAP's
                `cameras.txt`, JSON, YAML or text); scaled to the image's size.
            focal: pixels of the image as it is, or "26mm": the 35 mm equivalent, with `sensor_width` the lens's own.
            fov: degrees between the left and the right border of the image.
            sensor_width: millimetres of the sensor across the image.
            calibration: from a relative model's disparity to metres, or its file.
            assume_scale: for a relative model without one: metres of the median depth. It also assumes that the shift
                of the disparity is zero, so that shapes are a guess too.
            edge_threshold: relative jump of depth across which no triangle is made; infinity cuts nothing.
            max_points: of clouds and meshes; of larger images every n-th pixel of rows and columns is taken.

        Returns:
            Points, colours, camera and scale, and how these are known; `save` writes PLY and GLB.

        Raises:
            OptionError: more than one camera, or values that none has.
            ValueError: no camera is known, or it does not fit the image; a relative model without `calibration` and
                `assume_scale`, or a metric one with them.
            FileNotFoundError: no file of the image, of the camera or of the calibration.
            UnreadableImageError: the file is not an image that can be decoded.
        """
        choice = CameraChoice.make(camera, focal, fov, sensor_width)
        if calibration is not None and not isinstance(calibration, Calibration):
            calibration = Calibration.load(calibration)
        with option_errors():
            assume_scale = convert_argument("assume_scale", assume_scale, float | None)
            edge_threshold = convert_argument("edge_threshold", edge_threshold, float, may_be_infinite=True)
        check_scale(self.prediction_kind, calibration is not None, assume_scale)
        with allow_pixels(self.max_pixels):
            fetched = fetch_image(image)
            stored = as_rgb(fetched)
        straight, pinhole, before = straighten(choice, fetched, stored)
        depth, source = to_depth(self.predict(straight), self.prediction_kind, calibration, assume_scale)
        return PointMap(
            name=name_of(image),
            depth=depth,
            image=straight,
            intrinsics=pinhole,
            scale_source=source,
            is_scale_assumed=assume_scale is not None,
            edge_threshold=edge_threshold,
            max_points=max_points,
            undistorted_from=before,
        )


def check_scale(kind: str, is_calibrated: bool, assume_scale: float | None) -> None:
    """Refuse points without metres, and two ways to have them.

    Raises:
        OptionError: a scale that is not positive, or beside a calibration.
        ValueError: a relative model without calibration and scale, or a metric one with them.
    """
    if assume_scale is not None:
        if not 0 < assume_scale < math.inf:
            raise OptionError(f"assume_scale must be a positive number of metres, got {assume_scale}")
        if is_calibrated:
            raise OptionError("a calibration says what assume_scale would guess; give one of them")
    if kind == "depth" and (is_calibrated or assume_scale is not None):
        raise ValueError("this model predicts metres already; leave calibration and assume_scale out")
    if kind == "disparity" and not is_calibrated and assume_scale is None:
        raise ValueError(
            "this model predicts disparity of unknown scale and shift, and without the shift even shapes are unknown: "
            "walls would bend. Take a metric model, or a calibration made from two measured distances or more "
            "(`calibrate`, then --metric; calibration= in Python); or guess by --assume_scale METRES (assume_scale=), "
            "the median depth, which takes the shift for zero"
        )


def straighten(
    choice: CameraChoice, source: ImageSource, image: np.ndarray
) -> tuple[np.ndarray, CameraIntrinsics, CameraIntrinsics | None]:
    """Return a picture without distortion, its pinhole camera, and the camera that it had; None without distortion.

    Args:
        choice: which camera.
        source: of the picture, whose EXIF is asked where no camera was given.
        image: the picture, uint8 (H, W, 3), upright.

    Raises:
        ValueError: no camera is known, or it does not fit the picture.
    """
    camera = choice.for_picture(source, *image.shape[:2])
    straight, pinhole = undistort(image, camera)
    return straight, pinhole, camera if camera.has_distortion else None


def to_depth(
    values: np.ndarray, kind: str, calibration: Calibration | None, assume_scale: float | None
) -> tuple[np.ndarray, str]:
    """Return depth, float32 (H, W) metres, NaN without, and how the metres are known.

    Args:
        values: (H, W), a prediction.
        kind: "disparity" or "depth".
        calibration: for disparity.
        assume_scale: metres of the median depth, for disparity.
    """
    if kind == "depth":
        return np.where(values > 0, values, np.nan).astype(np.float32), "predicted by a metric model"
    if calibration is not None:
        source = f"calibration on {calibration.points} points, mean relative error there {calibration.abs_rel:.2g}"
        return calibration.apply(values), source
    assert assume_scale is not None
    return (
        assume_depth(values, assume_scale),
        f"assumed: median depth {assume_scale:g} m, disparity without shift",
    )


def assume_depth(disparity: np.ndarray, median_depth: float) -> np.ndarray:
    """Return depth as if disparity had no shift: `median_depth * median(disparity) / disparity`.

    Args:
        disparity: (H, W), larger = nearer.
        median_depth: metres.

    Returns:
        float32 (H, W) metres; NaN where disparity is not positive, or beyond `FARTHEST_OF_MEDIAN` median depths.
    """
    positive = disparity[disparity > 0]
    if not positive.size:
        return np.full(disparity.shape, np.nan, np.float32)
    median = float(np.median(positive))
    usable = disparity > median / FARTHEST_OF_MEDIAN
    depth: np.ndarray = np.where(usable, median_depth * median / np.where(usable, disparity, 1.0), np.nan)
    return depth.astype(np.float32)
