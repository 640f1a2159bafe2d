# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""How often images failed that a repeated run tries again, so that they do not keep their shard absent for ever.

The counts lie beside the labels, in a file `tries/<shard>.tries` for each shard that could not be made, and go with
the shard's completion.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ..utils.files import atomic_write


TRIES_FOLDER = "tries"
# A second failure, in another run, is taken for the image's fault.
LARGEST_TRIES = 2
# Key of failures that are no single image's.
WHOLE_SHARD = "shard"


def count_try(shard: Path, keys: Iterable[str]) -> dict[str, int]:
    """Count one more failed try for some images of a shard.

    Args:
        shard: path of the shard that could not be made.
        keys: rows of the images, or `WHOLE_SHARD`.

    Returns:
        The number of failed tries of each of them, this one included.

    Raises:
        OSError: the counts cannot be written.
    """
    before = _read(shard)
    now = {key: before.get(key, 0) + 1 for key in keys}
    atomic_write(_path(shard), json.dumps({**before, **now}, sort_keys=True) + "\n")
    return now


def forget_tries(shard: Path) -> None:
    """Forget the failed tries of a shard, which is complete."""
    _path(shard).unlink(missing_ok=True)


def _read(shard: Path) -> dict[str, int]:
    try:
        return {str(key): int(count) for key, count in json.loads(_path(shard).read_text(encoding="utf-8")).items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        # What is damaged only costs one more try.
        return {}


def _path(shard: Path) -> Path:
    return shard.parent / TRIES_FOLDER / f"{shard.stem}.tries"
