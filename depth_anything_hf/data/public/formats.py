# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decoders and camera matrices that several public datasets share."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..decoding.depth_maps import LabelRules
from ..decoding.errors import BrokenSampleError, UnreadableImageError
from ..decoding.exr import exr_is_readable
from ..decoding.files import read_bytes
from ..decoding.images import read_image
from ..decoding.optional import import_optional
from ..decoding.stored_maps import read_stored_label
from ..samples import Sample
from .frames import Frame


PathLike = str | os.PathLike[str]


def pinhole_matrix(focal_x: float, focal_y: float, centre_x: float, centre_y: float) -> np.ndarray:
    """Return intrinsics (3, 3) float64 in pixels; integer indices are pixel centres."""
    return np.array([[focal_x, 0.0, centre_x], [0.0, focal_y, centre_y], [0.0, 0.0, 1.0]])


def centred_matrix(focal: float, height: int, width: int) -> np.ndarray:
    """Return intrinsics (3, 3) float64 of square pixels with the principal point in the middle of the image."""
    return pinhole_matrix(focal, focal, width / 2 - 0.5, height / 2 - 0.5)


def read_hdf5(path: PathLike, key: str, index: int | None = None) -> np.ndarray:
    """Read an array of an HDF5 file (also MATLAB 7.3), or the entry `index` of its first axis.

    Raises:
        FileNotFoundError: no such file.
        ImportError: h5py is not installed.
        UnreadableImageError: a damaged file, or one without the key or the index; the message names the file.
    """
    h5py = import_optional("h5py")
    check_exists(path)
    try:
        with h5py.File(path, "r") as file:
            stored = file[key]
            return np.asarray(stored[()] if index is None else stored[index])
    except (OSError, KeyError, IndexError, ValueError, RuntimeError) as error:
        raise UnreadableImageError(f"{path}: expected an HDF5 file with the array {key!r}: {error}") from error


def read_matlab(path: PathLike) -> dict[str, Any]:
    """Read the variables of a MATLAB 5 file; structures become objects with attributes.

    Raises:
        FileNotFoundError, ImportError, UnreadableImageError: as `read_hdf5`.
    """
    scipy_io = import_optional("scipy.io")
    check_exists(path)
    try:
        variables: dict[str, Any] = scipy_io.loadmat(path, squeeze_me=True, struct_as_record=False)
    except Exception as error:
        # The decoder raises many kinds of exceptions for damaged files.
        raise UnreadableImageError(
            f"{path}: expected a readable MATLAB 5 file, this one is damaged: {error}"
        ) from error
    return variables


def check_exists(path: PathLike) -> None:
    """Check that there is a file.

    Raises:
        FileNotFoundError: no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")


def read_matrix(path: PathLike, after: str = "") -> np.ndarray:
    """Read the first nine numbers of a text file, or of what follows the word `after`: (3, 3) float64.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: fewer numbers.
    """
    content, name = read_bytes(path)
    text = content.decode("utf-8", "replace")
    numbers = numbers_in(text[text.index(after) + len(after) :]) if after in text else []
    if len(numbers) < 9:
        raise UnreadableImageError(
            f"{name}: expected nine numbers{' after ' + after if after else ''}, got {len(numbers)}"
        )
    return np.array(numbers[:9]).reshape(3, 3)


def numbers_in(text: str) -> list[float]:
    """Return all numbers of a text, in their order."""
    return [float(number) for number in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)]


def read_json_numbers(path: PathLike, numbers_of: Callable[[Any], Any], expected: str) -> np.ndarray:
    """Read numbers out of a JSON file: float64.

    Args:
        path: the file.
        numbers_of: takes them out of its content.
        expected: what it looks for, for the message.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: no JSON, or without these numbers; the message names the file.
    """
    content, name = read_bytes(path)
    try:
        return np.array(numbers_of(json.loads(content)), dtype=np.float64)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UnreadableImageError(f"{name}: expected a JSON file with {expected}: {error!r}") from error


def check_exr(title: str) -> None:
    """Check that OpenEXR files can be read, before thousands of them are found broken.

    Raises:
        ImportError: they cannot; the message starts with the title of the dataset.
    """
    if not exr_is_readable():
        raise ImportError(
            f"{title} stores its label as EXR, which this OpenCV cannot read; install OpenEXR with: "
            "pip install 'depth_anything_hf[readers]'"
        )


def read_mask(path: PathLike, shape: tuple[int, ...]) -> np.ndarray:
    """Read classes or validity of the pixels of a map: whole numbers (H, W).

    Raises:
        BrokenSampleError: of another size than the map.
    """
    mask, name = read_stored_label(path)
    if mask.shape != shape:
        raise BrokenSampleError(
            f"{name}: {mask.shape[0]} x {mask.shape[1]} (height x width) beside a map of {shape[0]} x {shape[1]}; "
            "they must agree pixel by pixel: download both again"
        )
    return mask


def read_pair(frame: Frame, rules: LabelRules) -> Sample:
    """Read the first file of a frame as its picture, the last as its depth, and take its details as intrinsics."""
    sample: Sample = {"image": read_image(frame.files[0]), "depth": rules.read(frame.files[-1])}
    if frame.details is not None:
        sample["intrinsics"] = np.array(frame.details, dtype=np.float64)
    return sample
