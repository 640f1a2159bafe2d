# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards of pseudo-labels with random pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sample_files import png_bytes

from depth_anything_hf.data.decoding.disparity_codec import encode_disparity
from depth_anything_hf.pseudo_labels.shards import (
    ShardWriter,
)


SIZE = (6, 8)


def row(name: str, **changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(len(name))
    image = random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    png, minimum, maximum = encode_disparity(random.random(SIZE, dtype=np.float32))
    return {
        "image": {"bytes": png_bytes(image), "path": f"{name}.png"},
        "disparity": {"bytes": png, "path": f"{name}_disparity.png"},
        "disparity_minimum": minimum,
        "disparity_maximum": maximum,
        "disparity_encoding": "linear",
        "name": name,
        "source_row": 0,
        "width": SIZE[1],
        "height": SIZE[0],
        **changes,
    }


def write_shard(
    path: Path,
    rows: list[dict[str, Any]],
    skipped: list[tuple[str, str]] | None = None,
    is_last: bool = True,
    stored_images: str = "bytes",
    provenance: dict[str, Any] | None = None,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = ShardWriter(path, stored_images, provenance)
    writer.write(rows)
    writer.finish(skipped or [], provenance or {"teacher": "tiny"}, is_last)
    return path


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
