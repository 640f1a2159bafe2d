# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What may be given as an image, alone or among others, and how it becomes 8-bit RGB.

A picture becomes what `Image.open(file).convert("RGB")` makes of it, upright by EXIF and with 16-bit grey scaled:
alpha is dropped, not composited. Arrays and tensors follow the same rules.
"""

from __future__ import annotations

import os
import re
import sys
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, runtime_checkable

import numpy as np
from PIL import Image

from ..data.decoding.errors import UnreadableImageError
from ..data.decoding.files import FileLike
from ..data.decoding.images import read_image


if TYPE_CHECKING:
    import torch


@runtime_checkable
class BinaryFile(Protocol):
    """An open file."""

    def read(self, size: int = -1, /) -> Any:
        """Return the bytes that are left."""


OneImage: TypeAlias = "FileLike | bytearray | memoryview | BinaryFile | Image.Image | np.ndarray | torch.Tensor"
ImageSource: TypeAlias = "OneImage | tuple[str, OneImage | Callable[[], OneImage]]"

IMAGES = (
    "An image is a path, a URL (http or https), encoded bytes, an open file, a PIL image, an array or tensor, a cell "
    "of `datasets` with bytes or path, or a pair of a name and one of these"
)
LAYOUTS = "(H, W), or (H, W, channels) or (channels, H, W) of 1, 3 or 4 channels, none of length 0"
CHANNELS = (1, 3, 4)
URL = re.compile(r"https?://", re.IGNORECASE)
OTHER_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(data):", re.IGNORECASE)
SECONDS_FOR_URL = 30
UNNAMED = "image"
# Of floating point: what resizing leaves of 0..1 when it rounds.
ROUNDING = 1e-4


def is_one_image(images: Any) -> bool:
    """Tell one image from an iterable of them; an array or tensor of four dimensions is a batch of images.

    Raises:
        TypeError: neither, or a pair of two texts, which may be two paths or a name and a path.
    """
    if isinstance(images, tuple) and len(images) == 2 and isinstance(images[0], str):
        if isinstance(images[1], str):
            raise TypeError(
                f"got the pair {images!r}: for two images give a list, for a name and a path [(name, path)]"
            )
        return True
    if isinstance(images, str | os.PathLike | bytes | bytearray | memoryview | Mapping | Image.Image | BinaryFile):
        return True
    if _is_array(images):
        return bool(images.ndim != 4)
    if callable(images) or not isinstance(images, Iterable):
        raise TypeError(f"expected an image or an iterable of images, got {_kind_of(images)}. {IMAGES}")
    return False


def is_list(images: Any) -> bool:
    """Tell images that are there all at once, a batch among them, from those that come one after another."""
    return isinstance(images, list | tuple) or _is_array(images)


def name_of(source: Any) -> str:
    """Return the name of an image: the one that is given, else its path or URL, else "image"."""
    if isinstance(source, tuple) and source and isinstance(source[0], str | os.PathLike | int):
        return cast(str, source[0])
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, Mapping):
        return str(source.get("path") or UNNAMED)
    for attribute in ("filename", "name"):
        name = getattr(source, attribute, None)
        # That of an open file may be a number.
        if isinstance(name, str | os.PathLike) and str(name):
            return os.fspath(name)
    return UNNAMED


def fetch_image(source: Any) -> Any:
    """Return what an image is decoded from, fetched once: of a pair its image, of an URL and an open file the bytes.

    Args:
        source: see `ImageSource`; of a pair, the function is called.

    Returns:
        An array or tensor, a path, bytes, a PIL image or a cell of `datasets`; `as_rgb` takes it.

    Raises:
        TypeError: no image; the message says what was expected and what came.
        UnreadableImageError: a URL that cannot be downloaded.
    """
    if isinstance(source, tuple):
        if len(source) != 2 or not isinstance(source[0], str | os.PathLike | int):
            raise TypeError(f"expected a pair of a name and an image, got {_kind_of(source)}")
        source = source[1]() if callable(source[1]) else source[1]
    if _is_array(source):
        return source
    if isinstance(source, str):
        return _fetch_text(source)
    if isinstance(source, Mapping) and not {"bytes", "path"} & source.keys():
        raise TypeError(
            f"expected a cell of `datasets` with bytes or path, got a dict with the keys {list(source)}; give the "
            "cell or image in it"
        )
    if isinstance(source, os.PathLike | bytes | Mapping | Image.Image):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, BinaryFile):
        return _read_open_file(source)
    several = "; for several images, call the predictor with a list" if isinstance(source, list) else ""
    raise TypeError(f"expected one image, got {_kind_of(source)}{several}. {IMAGES}")


def as_rgb(source: Any) -> np.ndarray:
    """Return an image as uint8 (H, W, 3) RGB.

    Args:
        source: see `ImageSource`; of a pair, the function is called.

    Raises:
        FileNotFoundError: no file at the path.
        TypeError: no image; the message says what was expected and what came.
        UnreadableImageError: a file, URL or picture that cannot be decoded.
        ValueError: an array of a shape or with values that no image has.
    """
    fetched = fetch_image(source)
    return _array_to_rgb(fetched) if _is_array(fetched) else read_image(fetched)


def _is_tensor(source: Any) -> bool:
    # Whoever has a tensor has imported PyTorch; others need not wait for it.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


def _is_array(source: Any) -> bool:
    """Tell arrays of numbers from all else; those of texts or objects are lists of sources."""
    if _is_tensor(source):
        return True
    if isinstance(source, np.ndarray):
        return source.dtype.kind not in "OSUV"
    # Those of other libraries, such as JAX, would be iterated by rows. A column of a table has one dimension.
    return hasattr(source, "__array__") and isinstance(getattr(source, "ndim", None), int) and source.ndim >= 2


def _kind_of(source: Any) -> str:
    kind = type(source).__name__
    if isinstance(source, tuple | list):
        return f"{kind} of {len(source)}: ({', '.join(type(each).__name__ for each in source[:4])})"
    return kind


def _fetch_text(text: str) -> Any:
    if URL.match(text):
        return {"bytes": _download(text), "path": text}
    scheme = OTHER_SCHEME.match(text)
    if scheme is not None and not os.path.exists(text):
        raise UnreadableImageError(
            f"{text[:80]}: expected a path or a URL of http or https, got one of {scheme[1] or scheme[2]}; open it "
            "yourself, and give its bytes"
        )
    return text


def _download(url: str) -> bytes:
    try:
        # Servers turn away the name that Python gives by default.
        request = urllib.request.Request(url, headers={"User-Agent": "depth_anything_hf"})
        with urllib.request.urlopen(request, timeout=SECONDS_FOR_URL) as response:
            content: bytes = response.read()
    except (OSError, ValueError) as error:
        raise UnreadableImageError(f"{url}: cannot be downloaded: {error}") from error
    return content


def _read_open_file(file: BinaryFile) -> bytes:
    # As Pillow does: whoever has written an image into memory is at its end.
    if getattr(file, "seekable", lambda: False)():
        file.seek(0)  # type: ignore[attr-defined]
    content = file.read()
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError(f"expected a file opened in binary mode ('rb'), got one that reads {_kind_of(content)}")
    return bytes(content)


def _array_to_rgb(given: Any) -> np.ndarray:
    if _is_tensor(given):
        on_cpu = given.detach().cpu()
        stored: np.ndarray = (on_cpu.float() if on_cpu.is_floating_point() else on_cpu).numpy()
    else:
        stored = np.asarray(given)
    shown = f"{stored.dtype} {stored.shape}"
    if stored.ndim == 2 and stored.size:
        stored = stored[..., None]
    elif stored.ndim != 3 or not stored.size or not _has_channels(stored.shape):
        raise ValueError(f"expected an image {LAYOUTS}, got {shown}")
    else:
        # Both ends may be a number of channels; tensors have theirs first by custom, arrays last.
        is_first = stored.shape[0] in CHANNELS and (_is_tensor(given) or stored.shape[2] not in CHANNELS)
        stored = np.moveaxis(stored, 0, 2) if is_first else stored
    eight_bit = _to_eight_bits(stored[..., :3], shown)
    return np.repeat(eight_bit, 3, axis=2) if eight_bit.shape[2] == 1 else np.ascontiguousarray(eight_bit)


def _has_channels(shape: Sequence[int]) -> bool:
    return shape[0] in CHANNELS or shape[2] in CHANNELS


def _to_eight_bits(stored: np.ndarray, shown: str) -> np.ndarray:
    """(H, W, 1 or 3) -> uint8 of the same shape."""
    if stored.dtype == np.uint8:
        return stored
    if stored.dtype == bool:
        return stored.astype(np.uint8) * 255
    if stored.dtype.kind == "u" and stored.dtype.itemsize == 2:
        # As pictures of 16 bits are read: grey is scaled, of colours Pillow takes the upper byte.
        scaled = (stored.astype(np.uint32) * 255 + 32767) // 65535 if stored.shape[2] == 1 else stored >> 8
        return scaled.astype(np.uint8)
    if stored.dtype.kind != "f":
        raise ValueError(
            f"expected an image of uint8, uint16 or bool, or of floats from 0 to 1, got {shown}; if its values are "
            "0..255, give image.astype('uint8')"
        )
    smallest, largest = float(stored.min()), float(stored.max())
    if not (smallest >= -ROUNDING and largest <= 1 + ROUNDING):
        raise ValueError(
            f"expected an image of floats from 0 to 1, got {shown} with values {smallest:g}..{largest:g}; "
            "if they are 0..255, give image.round().astype('uint8'), and undo a normalization"
        )
    eight_bit: np.ndarray = np.rint(np.clip(stored, 0, 1) * 255).astype(np.uint8)
    return eight_bit
