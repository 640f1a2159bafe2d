# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From images to predictions, and from disparity to metres.

- `predictor`: opens a checkpoint and predicts any number of images of any sizes
- `passes`: what a predictor asks of the forward passes of an engine
- `torch_passes`: forward passes in PyTorch, and how a model is opened for them
- `engines`: which engine predicts, and a checkpoint or an exported file opened in it
- `engine_source`: the checkpoint that an engine's model is made from, known by its files
- `engine_cache`: converted models on disk, checked when they are opened, the longest unused ones removed
- `engine_conversion`: converts a checkpoint for an engine, and compares the two
- `engine_model`: a model in another engine, as predictors see it
- `engine_processor`: the image processor's values without transformers
- `engine_passes`: forward passes in another engine
- `upsampling`: bilinear upsampling in NumPy
- `batching`: which images share a forward pass, and the retry of one that fails
- `devices`: which devices are here, and whether a chosen one is
- `image_inputs`: what may be given as an image, and how it becomes 8-bit RGB
- `kept_pictures`: pictures that are predicted and written, decoded once
- `output_kinds`: which kind of map a model predicts, by its configuration or by choice
- `confidence`: the agreement of further passes, its definition and its file
- `confidence_passes`: passes of the image, mirrored, and at another size
- `further_passes`: further models over the same images, each read once
- `sky_segmentation`: the probability of sky by a model of semantic segmentation
- `prediction`: the result for one image, and the mean with that of its mirror image
- `prediction_sources`: images given by files and folders, each once, and the names of their results
- `prediction_formats`: the formats of predictions and their settings: names, suffixes, codes of metres
- `prediction_files`: the files of one prediction in these formats, and how they are read back
- `pixel_shares`: shares of pixels without a value, extrapolated or clipped
- `prediction_folder`: what a folder of predictions holds, what is missing, what must not be replaced
- `calibration`: scale and shift from a relative model's disparity to metres, saved as JSON
- `camera_choice`: which camera a picture was taken with: given, of a file, of a focal length or angle, or of its EXIF
- `camera_files`: cameras of JSON, YAML and text files of other programs
- `colmap_cameras`: cameras of COLMAP's `cameras.txt`
- `stored_camera`: a camera as a file has it, and how it becomes that of a picture
- `point_prediction`: from an image to points in space, and how their metres are known
- `point_map`: the points of one picture: cloud, mesh, normals
- `point_files`: PLY and GLB, the camera as JSON, normals as a picture
- `point_outputs`: what `predict` writes of points, and what it says about them
- `video/`: videos frame by frame: read, made to fit together in time, written
- `measured_points`: measured distances from a CSV file or depth maps, with the disparity at their pixels
- `tiling/`: large pictures by overlapping tiles, panoramas by overlapping views

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .calibration import Calibration, PerImageFit, fit_calibration, fit_per_image
    from .camera_choice import CameraChoice
    from .camera_files import read_cameras
    from .confidence import find_confidence, read_confidence
    from .devices import available_devices, default_device
    from .measured_points import disparity_at_labels, disparity_at_points, read_points
    from .point_map import PointMap
    from .prediction import Prediction, flip_mean
    from .prediction_files import read_prediction
    from .predictor import DepthPredictor
    from .video.alignment import AlignedFrame, TemporalAlignment
    from .video.prediction import VideoPrediction
    from .video.reading import read_video_prediction

_MODULES = {
    "AlignedFrame": "video.alignment",
    "Calibration": "calibration",
    "CameraChoice": "camera_choice",
    "DepthPredictor": "predictor",
    "PerImageFit": "calibration",
    "PointMap": "point_map",
    "Prediction": "prediction",
    "TemporalAlignment": "video.alignment",
    "available_devices": "devices",
    "default_device": "devices",
    "disparity_at_labels": "measured_points",
    "disparity_at_points": "measured_points",
    "find_confidence": "confidence",
    "fit_calibration": "calibration",
    "fit_per_image": "calibration",
    "flip_mean": "prediction",
    "read_cameras": "camera_files",
    "read_confidence": "confidence",
    "read_points": "measured_points",
    "read_prediction": "prediction_files",
    "read_video_prediction": "video.reading",
    "VideoPrediction": "video.prediction",
}

__all__ = [
    "AlignedFrame",
    "Calibration",
    "CameraChoice",
    "DepthPredictor",
    "PerImageFit",
    "PointMap",
    "Prediction",
    "TemporalAlignment",
    "VideoPrediction",
    "available_devices",
    "default_device",
    "disparity_at_labels",
    "disparity_at_points",
    "find_confidence",
    "fit_calibration",
    "fit_per_image",
    "flip_mean",
    "read_cameras",
    "read_confidence",
    "read_points",
    "read_prediction",
    "read_video_prediction",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
