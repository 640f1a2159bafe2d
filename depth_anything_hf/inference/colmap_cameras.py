# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Cameras of COLMAP's text models: `cameras.txt`, and in `images.txt` which picture has which of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

from .stored_camera import StoredCamera


# Model -> names of its parameters. COLMAP counts pixels from the picture's corner, so that centres are at 0.5.
# https://colmap.github.io/cameras.html; formulas in colmap/src/colmap/sensor/models.h.
MODELS: dict[str, tuple[str, ...]] = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    "SIMPLE_RADIAL_FISHEYE": ("f", "cx", "cy", "k1"),
    "RADIAL_FISHEYE": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV_FISHEYE": ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4"),
}
OTHER_MODELS = ("FOV", "THIN_PRISM_FISHEYE", "RAD_TAN_THIN_PRISM_FISHEYE")
IMAGES_FILE = "images.txt"


def is_colmap(lines: Sequence[str]) -> bool:
    """Return whether the lines are those of `cameras.txt`."""
    return any(len(words) > 3 and words[1] in (*MODELS, *OTHER_MODELS) for words in map(str.split, lines))


def read_colmap_cameras(lines: Sequence[str], name: str) -> list[StoredCamera]:
    """Read the lines of `cameras.txt`.

    Args:
        lines: CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS each; lines that start with # are left out.
        name: of the file, for messages.

    Raises:
        ValueError: a model that has no matrix of OpenCV, or another number of parameters.
    """
    cameras = []
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        model = words[1] if len(words) > 1 else ""
        if model not in MODELS:
            raise ValueError(
                f"{name}: the camera model {model!r} is not supported, expected one of {', '.join(MODELS)}; undistort "
                "the pictures by `colmap image_undistorter`, and give its cameras"
            )
        try:
            width, height, numbers = int(words[2]), int(words[3]), [float(word) for word in words[4:]]
            parameters = dict(zip(MODELS[model], numbers, strict=True))
        except (ValueError, IndexError):
            raise ValueError(
                f"{name}: expected camera id, {model}, width, height and the numbers {' '.join(MODELS[model])}, got "
                f"{line.strip()!r}"
            ) from None
        coefficients = tuple(value for key, value in parameters.items() if key[0] in "kp")
        is_fisheye = model.endswith("FISHEYE")
        cameras.append(
            StoredCamera(
                fx=parameters.get("fx", parameters.get("f", 0.0)),
                fy=parameters.get("fy", parameters.get("f", 0.0)),
                cx=parameters["cx"] - 0.5,
                cy=parameters["cy"] - 0.5,
                width=width,
                height=height,
                distortion=coefficients,
                distortion_model="fisheye" if is_fisheye else "opencv",
                source=f"camera {words[0]} ({model}) in {name}",
                key=words[0],
            )
        )
    return cameras


def read_picture_cameras(cameras_file: Path) -> dict[tuple[str, ...], str]:
    """Read the `images.txt` beside `cameras.txt`: path of each picture, in parts -> id of its camera; {} without one.

    Raises:
        OSError, UnicodeDecodeError: the file cannot be read.
    """
    beside = cameras_file.with_name(IMAGES_FILE)
    if not beside.is_file():
        return {}
    cameras = {}
    with beside.open(encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        # Every second line holds the points of the picture before it, and may be empty.
        for line in islice(lines, 0, None, 2):
            words = line.split(maxsplit=9)
            if len(words) == 10:
                cameras[PurePosixPath(words[9].strip()).parts] = words[8]
    return cameras


def camera_of_picture(cameras: Mapping[tuple[str, ...], str], picture: str) -> str | None:
    """Return the id of a picture's camera; None where there is none.

    Args:
        cameras: of `read_picture_cameras`.
        picture: path; as many of its folders count as COLMAP has written, and the longest of several names.
    """
    parts = PurePosixPath(picture.replace("\\", "/")).parts
    return next((cameras[parts[start:]] for start in range(len(parts)) if parts[start:] in cameras), None)
