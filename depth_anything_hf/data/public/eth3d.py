# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ETH3D, high-resolution multi-view: laser scans seen by a photo camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..decoding.errors import UnreadableImageError
from ..decoding.files import read_bytes
from ..decoding.images import read_image
from ..decoding.limits import open_picture
from ..samples import Sample
from .formats import PathLike, check_exists
from .frames import Frame, PublicSamples, mask_invalid, matches
from .spec import PublicDataset


def open_eth3d(root: Path, split: str | None) -> PublicSamples:
    """Find the frames of ETH3D.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or None; only the training scenes have depth.
    """
    frames = []
    for depth in matches(root, "*/ground_truth_depth/dslr_images/*"):
        scene, name = Path(depth).parts[-4], Path(depth).name
        frames.append(Frame(f"{scene}/{name}", (str(Path(depth).parents[2] / "images/dslr_images" / name), depth)))
    return PublicSamples("depth", frames, _read_eth3d)


def _read_eth3d(frame: Frame) -> Sample:
    picture, depth_file = frame.files
    image = read_stored_image(picture)
    depth = read_bare_floats(depth_file, *image.shape[:2])
    return {"image": image, "depth": mask_invalid(depth, np.isfinite(depth) & (depth > 0))}


def read_bare_floats(path: PathLike, height: int, width: int) -> np.ndarray:
    """Read little-endian float32 values without a header, as many as the image has pixels: (H, W).

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: an empty file, or another number of values.
    """
    content, name = read_bytes(path)
    if len(content) != 4 * height * width:
        raise UnreadableImageError(
            f"{name}: expected {4 * height * width} bytes, float32 of {height} x {width} (height x width), "
            f"got {len(content)}"
        )
    return np.frombuffer(content, dtype="<f4").reshape(height, width).astype(np.float32)


def read_stored_image(path: PathLike) -> np.ndarray:
    """Decode an image as its pixels are stored, in spite of its EXIF orientation: uint8 (H, W, 3).

    The labels were made for the pixels as stored, and do not turn with the EXIF orientation.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: not an image, or damaged.
    """
    check_exists(path)
    try:
        with open_picture(path, str(path)) as picture:
            picture.load()
            upright = picture.getexif().get(0x0112, 1) == 1
            pixels = None if upright else np.array(picture.convert("RGB"))
    except UnreadableImageError:
        raise
    except Exception as error:
        # Pillow raises many kinds of exceptions for damaged files.
        raise UnreadableImageError(f"{path}: cannot be decoded, the file is damaged: {error}") from error
    return read_image(path) if pixels is None else pixels


ETH3D = PublicDataset(
    name="eth3d",
    title="ETH3D, high-resolution multi-view, training",
    license="CC BY-NC-SA 4.0",
    citation=(
        "Schoeps et al., A Multi-View Stereo Benchmark with High-Resolution Images and Multi-Camera Videos, CVPR 2017"
    ),
    homepage="https://www.eth3d.net/datasets",
    layout=(
        "courtyard/images/dslr_images/DSC_0286.JPG (SCENE_dslr_jpg.7z)\n"
        "courtyard/ground_truth_depth/dslr_images/DSC_0286.JPG (SCENE_dslr_depth.7z)"
    ),
    label="depth",
    unit="metres; infinite is invalid",
    splits=("train",),
    default_split=None,
    opener=open_eth3d,
    verified="layout by other public code; files made by hand",
    traps=(
        "The depth files are bare float32 in spite of their suffix, and belong to the distorted images, not to "
        "dslr_images_undistorted. The camera is a fisheye model, so there are no intrinsics."
    ),
)
