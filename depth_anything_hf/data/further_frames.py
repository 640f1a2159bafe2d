# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tell animations and files of several pages, of which only the first frame or page is read."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable
from pathlib import Path

from .decoding.first_bytes import is_surely_single
from .decoding.limits import open_to_look
from .decoding.tiff import read_tiff_layout
from .index.file_runs import FileRuns
from .index.looks import tell
from .left_out import SAMPLED, describe_kinds


ADVICE = "only the first is read; save the others as files of their own to use them"
# These have one picture only; JPEG may have several (MPO), and PNG too (APNG).
_SINGLE = frozenset({".bmp", ".dib", ".j2k", ".jp2", ".jpx", ".pgm", ".pnm", ".ppm", ".tga"})


def warn_of_further_frames(root: Path, images: FileRuns | Iterable[Path]) -> None:
    """Warn in one line of animations and of files with several pages, of which only the first is read.

    A few files of each folder are looked into, and all of it where one of those has several.
    """
    found: list[Path] = []
    runs = images if isinstance(images, FileRuns) else FileRuns.of_paths(images)
    for files in runs.with_suffixes(_SINGLE, are_wanted=False).alike():
        if any(map(_has_frames, files.some(SAMPLED))):
            found += [path for path in files if _has_frames(path)]
    if found:
        tell(
            f"{root}: {describe_kinds(found)} with several frames or pages, e.g. {found[0]}: {ADVICE}",
            stacklevel=3,
        )


class FrameWarning:
    """Warns at the first picture of a source that has several frames or pages."""

    def __init__(self) -> None:
        self._has_told = False

    def look_at(self, content: bytes, name: str) -> None:
        """Look at an encoded picture, whose name the warning gives."""
        if not self._has_told and has_further_frames(content):
            self._has_told = True
            warnings.warn(
                f"{name}: an animation, or several pages: {ADVICE}. Further ones of this source are not told",
                stacklevel=4,
            )


def has_further_frames(content: bytes) -> bool:
    """Tell whether an encoded picture has several frames or pages; smaller copies of a TIFF's page are none."""
    return _has_frames(io.BytesIO(content))


def _has_frames(file: Path | io.BytesIO) -> bool:
    if isinstance(file, Path) and is_surely_single(file):
        return False
    try:
        with open_to_look(file) as picture:
            count, kind = getattr(picture, "n_frames", 1), picture.format
        if count < 2 or kind != "TIFF":
            return bool(count > 1)
        content = file.read_bytes() if isinstance(file, Path) else file.getvalue()
        return read_tiff_layout(content, "").pages > 1
    except Exception:
        # Pillow raises many kinds of exceptions on files that it cannot read; whoever reads them tells.
        return False
