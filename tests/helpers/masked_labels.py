# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards of labels of two teachers, with masks, shares and fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from label_shards import SIZE, row

from depth_anything_hf.data.decoding.label_masks import MASK_NAMES, encode_masks, mask_shares
from depth_anything_hf.pseudo_labels.shards import FEATURES


TWO_TEACHERS = {
    **{name: datasets.Value("float64") for name in ("fit_scale", "fit_shift")},
    **{name: datasets.Value("float32") for name in ("fit_inliers", "fit_residual")},
    "fit_ok": datasets.Value("bool"),
    "masks": datasets.Image(),
    **{f"{name}_share": datasets.Value("float32") for name in MASK_NAMES},
}


def quarter_masks() -> dict[str, np.ndarray]:
    """Sky in the upper half, disagreement in the left half, the mirrored picture in the first row."""
    rows, columns = np.indices(SIZE)
    return {"sky": rows < SIZE[0] // 2, "teachers": columns < SIZE[1] // 2, "flip": rows == 0}


def masked_row(name: str, made: tuple[str, ...] = ("sky", "teachers"), **changes: Any) -> dict[str, Any]:
    masks = {each: mask for each, mask in quarter_masks().items() if each in made}
    return row(
        name,
        **{
            "masks": {"bytes": encode_masks(masks), "path": f"{name}_masks.png"} if masks else None,
            **mask_shares(masks),
            **{"fit_scale": 2.0, "fit_shift": 0.1, "fit_inliers": 0.8, "fit_residual": 0.03, "fit_ok": True},
            **changes,
        },
    )


def write_masked_shard(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = datasets.Features({**FEATURES, **TWO_TEACHERS}).arrow_schema
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=2, compression="NONE")
    return path
