# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Refuse small files that would fill the memory: how many pixels a picture or map may have, and who may raise that."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from ...utils.option_errors import check_count
from .errors import UnreadableImageError


HOW_TO_RAISE = (
    "If you trust the file, raise it: --max_pixels of a command, max_pixels of a DepthPredictor or data source, or "
    "PIL.Image.MAX_IMAGE_PIXELS, of which the limit is twice the number"
)
_chosen: ContextVar[int | None] = ContextVar("max_pixels", default=None)
_opening = threading.Lock()
if hasattr(os, "register_at_fork"):
    # A process that is forked while another thread opens a picture must not wait for that thread, which it lacks.
    os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_opening.release)


@contextmanager
def allow_pixels(max_pixels: int | None) -> Iterator[None]:
    """Let what is read inside, in this thread, have so many pixels; None leaves the limit as it is."""
    if max_pixels is None:
        yield
        return
    token = _chosen.set(max_pixels)
    try:
        yield
    finally:
        _chosen.reset(token)


def check_max_pixels(max_pixels: float | None, name: str = "max_pixels") -> None:
    """Check the argument `name`, which may be written 1e9.

    Raises:
        OptionError: no whole number of at least 1, and not None.
    """
    is_whole = isinstance(max_pixels, float) and max_pixels.is_integer()
    if max_pixels is not None:
        check_count(name, int(max_pixels) if is_whole else max_pixels)


def most_pixels() -> int | None:
    """Return how many pixels a picture or map may have: as `allow_pixels` says, else Pillow's limit; None: any."""
    if (chosen := _chosen.get()) is not None:
        return chosen
    return None if Image.MAX_IMAGE_PIXELS is None else 2 * Image.MAX_IMAGE_PIXELS


def check_pixel_count(count: int, name: str, unit: str = "values") -> None:
    """Refuse a picture or map of too many pixels.

    Raises:
        UnreadableImageError: more than `most_pixels`; the message starts with `name`.
    """
    most = most_pixels()
    if most is not None and count > most:
        raise UnreadableImageError(f"{name}: {count} {unit} are more than the limit of {most}. {HOW_TO_RAISE}.")


def open_picture(file: Any, name: str) -> Image.Image:
    """Open a picture with Pillow, which reads its header only, under the limit of `most_pixels`.

    Raises:
        UnreadableImageError: more pixels.
        Exception: whatever Pillow raises of a file that it cannot read.
    """
    chosen = _chosen.get()
    # Pillow's own limit is that of the whole process, and is lifted while other threads wait.
    with _opening:
        limit = Image.MAX_IMAGE_PIXELS
        if chosen is not None:
            Image.MAX_IMAGE_PIXELS = None
        try:
            picture = Image.open(file)
        except Image.DecompressionBombError as error:
            raise UnreadableImageError(f"{name}: {error}. {HOW_TO_RAISE}.") from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    if chosen is not None:
        check_pixel_count(picture.width * picture.height, name, "pixels")
    return picture


@contextmanager
def open_to_look(file: Path | BinaryIO) -> Iterator[Image.Image]:
    """Open a picture of any size with Pillow, to look at its header and to decode nothing.

    Pillow's warnings are muted for a path only. Pictures in memory are looked at in threads, which must not change the
    filters of the whole process, and are decoded by whoever has read them, with the same warnings.

    Raises:
        Exception: whatever Pillow raises of a file that it cannot read.
    """
    with ExitStack() as stack:
        if isinstance(file, Path):
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        stack.enter_context(allow_pixels(sys.maxsize))
        yield stack.enter_context(open_picture(file, ""))


def picture_mode(file: Path | BinaryIO) -> str:
    """Return Pillow's mode of a picture by its first bytes, whatever its size; "" where it is none."""
    try:
        with open_to_look(file) as picture:
            return picture.mode
    except Exception:
        # Pillow raises many kinds of exceptions on files that it cannot read; whoever reads them tells.
        return ""
