# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures, depth and cameras of ROS messages: sensor_msgs Image, CompressedImage and CameraInfo of ROS 1 and 2."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ...geometry.intrinsics import CameraIntrinsics
from ..decoding.encodings.encoding import EncodedFile
from ..decoding.encodings.float_files import depth_of_floats
from ..decoding.encodings.ros import DEPTHS, MILLIMETRES, decode_compressed_depth
from ..decoding.encodings.scaled_integers import metres_of
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_image
from ..decoding.limits import check_pixel_count
from ..decoding.stored_maps import PNG_START, decode_picture


IMAGE, COMPRESSED_IMAGE, CAMERA_INFO = (
    f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo")
)
# REP 118: whole millimetres, 0 where there is no value; floating-point metres, NaN where there is none.
WHOLE_DEPTHS, FLOAT_DEPTH = ("16UC1", "mono16"), "32FC1"
COMPRESSED_DEPTH = "compressedDepth"
# Bytes of a pixel, and what makes RGB of it. ROS names a Bayer pattern by its first two pixels, and OpenCV by the two
# below and to the right of the first one.
COLOURS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "8UC3": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "8UC4": (4, cv2.COLOR_BGRA2RGB),
    "bayer_rggb8": (1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGB2RGB),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUYV),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUYV),
}
GREYS = ("mono8", "8UC1")


def picture_of(message: Any, name: str) -> np.ndarray:
    """Return the picture of an Image or a CompressedImage: uint8 (H, W, 3), RGB.

    Raises:
        UnreadableImageError: an encoding that is no picture of 8 bits, or damaged; the message starts with `name`.
    """
    if not hasattr(message, "encoding"):
        return read_image({"bytes": bytes(message.data), "path": name})
    encoding = str(message.encoding)
    if encoding in GREYS:
        return np.repeat(_pixels(message, np.dtype(np.uint8), 1, name), 3, axis=2)
    if encoding not in COLOURS:
        raise UnreadableImageError(
            f"{name}: expected a picture ({', '.join((*COLOURS, *GREYS))}), got the encoding {encoding!r}"
        )
    channels, conversion = COLOURS[encoding]
    pixels = _pixels(message, np.dtype(np.uint8), channels, name)
    # A copy, because memory of a message cannot be written.
    return pixels.copy() if conversion is None else cv2.cvtColor(pixels, conversion)


def depth_of(message: Any, name: str, scale: float | None = None) -> np.ndarray:
    """Return the depth of an Image or a CompressedImage: float32 (H, W), metres, NaN without a value, +inf too far.

    Args:
        message: with 16UC1, mono16 or 32FC1, as it is, in a PNG or by compressedDepth.
        name: starts the messages.
        scale: stored units per metre; None: 1000 of whole numbers, 1 of others.

    Raises:
        UnreadableImageError: an encoding that is no depth, a lossy picture, or damaged.
    """
    if not hasattr(message, "encoding"):
        return _compressed_depth(message, name, scale)
    order = ">" if message.is_bigendian else "<"
    if message.encoding in WHOLE_DEPTHS:
        return metres_of(_pixels(message, np.dtype(f"{order}u2"), 1, name)[..., 0], scale or MILLIMETRES)
    if message.encoding == FLOAT_DEPTH:
        return depth_of_floats(_pixels(message, np.dtype(f"{order}f4"), 1, name)[..., 0], scale)
    raise UnreadableImageError(
        f"{name}: expected depth ({', '.join((*WHOLE_DEPTHS, FLOAT_DEPTH))}), got the encoding {message.encoding!r}"
    )


def _compressed_depth(message: Any, name: str, scale: float | None) -> np.ndarray:
    content, (encoding, *_) = bytes(message.data), str(message.format).split(";")
    if COMPRESSED_DEPTH in message.format:
        image = encoding.strip() if encoding.strip() in DEPTHS else None
        values = decode_compressed_depth(EncodedFile(content, name), {"image": image}).values
        unit = 1.0 if image == FLOAT_DEPTH else MILLIMETRES
        return values if scale is None else (values * (unit / scale)).astype(np.float32)
    stored = decode_picture(content, name) if content.startswith(PNG_START) else None
    if stored is None or stored.dtype != np.uint16 or stored.ndim != 2:
        raise UnreadableImageError(
            f"{name}: expected depth by compressedDepth or in a PNG of 16 bits, got the format {message.format!r}: a "
            "picture, which has lost depth"
        )
    return metres_of(stored, scale or MILLIMETRES)


def _pixels(message: Any, dtype: np.dtype[Any], channels: int, name: str) -> np.ndarray:
    """Return the pixels of an Image without the rest of its rows: (H, W, channels)."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    row, data = width * channels * dtype.itemsize, np.asarray(message.data, dtype=np.uint8).reshape(-1)
    step = step or row
    if height < 1 or width < 1 or step < row or data.size < step * (height - 1) + row:
        raise UnreadableImageError(
            f"{name}: an Image of {height} x {width} (height x width) with {data.size} bytes in rows of {step}, "
            f"expected rows of at least {row}; the message is truncated, or its encoding is another one"
        )
    check_pixel_count(height * width, name)
    if data.size < step * height:
        # The last row may end with its last pixel.
        data = np.concatenate([data, np.zeros(step * height - data.size, np.uint8)])
    rows = np.ascontiguousarray(data[: step * height].reshape(height, step)[:, :row])
    return rows.view(dtype).reshape(height, width, channels)


def intrinsics_of(message: Any, height: int, width: int, *, is_rectified: bool) -> np.ndarray | None:
    """Return the camera of a CameraInfo for pictures of a size: float64 (3, 3); None where it tells none of them.

    Args:
        message: the CameraInfo.
        height: of the pictures.
        width: of the pictures.
        is_rectified: whether they are rectified, and so seen by P and not by K.
    """
    wanted = ("p", (3, 4)) if is_rectified else ("k", (3, 3))
    numbers = getattr(message, wanted[0], None)
    # Fields of ROS 1 have capital letters.
    numbers = getattr(message, wanted[0].upper()) if numbers is None else numbers
    matrix = np.asarray(numbers, dtype=np.float64).reshape(wanted[1])[:, :3]
    try:
        camera = CameraIntrinsics.from_matrix(matrix, int(message.height) or height, int(message.width) or width)
        return camera.scale_to(height, width).matrix
    except ValueError:
        # A camera that is not calibrated has zeros.
        return None
