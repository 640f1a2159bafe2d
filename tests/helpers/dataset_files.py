# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A picture and a map of six rows, and how they are written, for the tiny copies of public datasets."""

from __future__ import annotations

import json
import pathlib

import cv2
import h5py
import numpy as np
import OpenEXR
from PIL import Image


HEIGHT, WIDTH = 6, 8
RGB = np.stack([*np.mgrid[0:HEIGHT, 0:WIDTH] * 30, np.full((HEIGHT, WIDTH), 90)], axis=2).astype(np.uint8)
DEPTH = np.linspace(1, 20, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float32)
CAMERA = np.array([[500.0, 0, 4.5], [0, 510.0, 3.5], [0, 0, 1]])
INVALID, SKY, OTHER = (0, 0), (0, 1), (0, 2)


def stored_depth(invalid: float, sky: float | None = None, factor: float = 1.0) -> np.ndarray:
    """`DEPTH` as a file holds it: float64 with the values of a set for invalid and sky."""
    values = DEPTH.astype(np.float64) * factor
    values[INVALID] = invalid
    if sky is not None:
        values[SKY] = sky
    return values


def expected_depth(sky: bool = False) -> np.ndarray:
    values = DEPTH.copy()
    values[INVALID] = np.nan
    if sky:
        values[SKY] = np.inf
    return values


def write_picture(path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RGB).save(path)


def write_codes(path: pathlib.Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.rint(values).astype(np.uint16))


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_json(path: pathlib.Path, content: object) -> None:
    write_bytes(path, json.dumps(content).encode())


def write_array(path: pathlib.Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def write_hdf5(path: pathlib.Path, **arrays: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def write_exr(path: pathlib.Path, values: np.ndarray, channel: str) -> None:
    """Write a map in the type that it has, float16 or float32."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {channel: values}) as file:
        file.write(str(path))
