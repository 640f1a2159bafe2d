# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A table with what rows of data sets seldom hold: no value, empty and long ones, odd numbers."""

from __future__ import annotations

import math
from typing import Any

import datasets
import numpy as np
import pyarrow as pa


NUMBERS = [math.nan, -math.inf, -0.0, 1e-310, 0.1]
NAMES = ["", '"\n\\', "x" * 300, None, "\U0001f600"]
FEATURES = {
    "image": datasets.Image(),
    "raw": datasets.Value("binary"),
    "mask": datasets.Value("large_binary"),
    "name": datasets.Value("string"),
    "note": datasets.Value("string"),
    "near": datasets.Value("float64"),
    "far": datasets.Value("float32"),
    "large": datasets.Value("int64"),
    "count": datasets.Value("int16"),
    "good": datasets.Value("bool"),
    "box": datasets.List(datasets.Value("int64")),
    "camera": {"fx": datasets.Value("float64"), "model": datasets.Value("string")},
}


def odd_table(count: int = 40) -> pa.Table:
    """Return `count` rows, a multiple of five; pictures, parts of pictures and cells are missing here and there."""
    random = np.random.default_rng(0)
    pictures: list[Any] = []
    for index in range(count):
        content = None if index % 7 == 3 else random.bytes([0, 5, 700, 70_000, 300][index % 5])
        path = [None, f"{index}.png", "\u2603.png"][index % 3]
        pictures.append(None if index % 11 == 4 else {"bytes": content, "path": path})
    columns = {
        "image": pictures,
        "raw": [None if index % 4 == 1 else random.bytes([index * 9, 70_000][index % 2]) for index in range(count)],
        "mask": [random.bytes(index) for index in range(count)],
        "name": NAMES * (count // 5),
        "note": [None if index % 2 else "n" for index in range(count)],
        "near": NUMBERS * (count // 5),
        "far": [np.float32(index / 7) for index in range(count)],
        "large": [None if index == 8 else 2**63 - index - 1 for index in range(count)],
        "count": [None if index == 8 else index for index in range(count)],
        "good": [bool(index % 3) for index in range(count)],
        "box": [[index, None] if index % 5 else [] for index in range(count)],
        "camera": [None if index == 2 else {"fx": 1.5, "model": "p"} for index in range(count)],
    }
    return pa.table(columns, schema=datasets.Features(FEATURES).arrow_schema)
