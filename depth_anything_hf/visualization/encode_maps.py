# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps as npy, float32 TIFF and OpenEXR files in memory, which hold a text that says what they are."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image


NPY_START = b"\x93NUMPY\x01\x00"
TIFF_DESCRIPTION = 270


def encode_npy(values: np.ndarray, header_bytes: int = 128) -> bytes:
    """Encode an array as npy of version 1.0, its header filled up with blanks to a length.

    Args:
        values: any array, rows first.
        header_bytes: length up to the first value, a multiple of 64; NumPy itself needs 128 for a map.

    Raises:
        ValueError: a header that does not fit.
    """
    values = np.ascontiguousarray(values)
    descr = np.lib.format.dtype_to_descr(values.dtype)
    words = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {values.shape}, }}"
    room = header_bytes - len(NPY_START) - 2
    header = words.ljust(room - 1) + "\n"
    if len(header) != room or header_bytes % 64:
        raise ValueError(f"a header of {header_bytes} bytes does not fit {words}; expected a larger multiple of 64")
    return NPY_START + struct.pack("<H", room) + header.encode("latin-1") + values.tobytes()


def encode_float_tiff(values: np.ndarray, description: str) -> bytes:
    """Encode a map as TIFF that all readers open: 32-bit float, deflate, no predictor.

    Args:
        values: float32 (H, W), any values.
        description: ASCII text of the tag ImageDescription.

    Raises:
        ValueError: another shape or type.
    """
    _check_map(values)
    file = io.BytesIO()
    # tifffile reads the floating-point predictor only beside another package.
    picture = Image.fromarray(np.ascontiguousarray(values))
    picture.save(file, "TIFF", compression="tiff_adobe_deflate", tiffinfo={TIFF_DESCRIPTION: description})
    return file.getvalue()


def encode_exr(values: np.ndarray, channel: str, attributes: dict[str, str]) -> bytes:
    """Encode a map as OpenEXR of one part with one channel: 32-bit float, ZIP (lossless).

    Args:
        values: float32 (H, W), any values.
        channel: its name; "Z" is depth.
        attributes: name -> text in the header.

    Raises:
        ImportError: OpenEXR is not installed.
        ValueError: another shape or type.
    """
    _check_map(values)
    check_exr_is_writable()
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **attributes}
    file = io.BytesIO()
    OpenEXR.File(header, {channel: np.ascontiguousarray(values)}).write(file)
    return file.getvalue()


def check_exr_is_writable() -> None:
    """Raise an ImportError that says what to install, unless OpenEXR is there."""
    try:
        import OpenEXR  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "writing EXR needs OpenEXR; install it with: pip install 'depth_anything_hf[readers]', or choose tiff"
        ) from error


def _check_map(values: np.ndarray) -> None:
    if values.dtype != np.float32 or values.ndim != 2:
        raise ValueError(f"expected a float32 map (H, W), got {values.dtype} {values.shape}")
