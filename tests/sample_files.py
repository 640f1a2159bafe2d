# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Small pictures, folders and tables that the tests of the data modules are run on."""

from __future__ import annotations

import io
import pathlib

import datasets
import numpy as np
from PIL import Image

from depth_anything_hf.data.reading import encode_disparity


def colour_ramp() -> np.ndarray:
    rows, columns = np.mgrid[0:6, 0:8]
    return np.stack([rows * 40, columns * 30, rows * 5 + columns * 20], axis=2).astype(np.uint8)


def depth_ramp() -> np.ndarray:
    return np.linspace(0.5, 24, 48, dtype=np.float32).reshape(6, 8)


def png_bytes(image: np.ndarray | Image.Image, **options: object) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    stream = io.BytesIO()
    picture.save(stream, format="PNG", **options)
    return stream.getvalue()


def write_pairs(root: pathlib.Path, rgb: np.ndarray, depth: np.ndarray, names: list[str]) -> None:
    (root / "images").mkdir(parents=True)
    (root / "depth").mkdir()
    for name in names:
        Image.fromarray(rgb).save(root / "images" / f"{name}.png")
        np.save(root / "depth" / f"{name}.npy", depth)


def pseudo_label_table(rgb: np.ndarray, disparities: list[np.ndarray]) -> datasets.Dataset:
    rows: dict[str, list] = {"image": [], "disparity": [], "disparity_minimum": [], "disparity_maximum": []}
    for disparity in disparities:
        png, minimum, maximum = encode_disparity(disparity)
        rows["image"].append({"bytes": png_bytes(rgb), "path": None})
        rows["disparity"].append({"bytes": png, "path": None})
        rows["disparity_minimum"].append(minimum)
        rows["disparity_maximum"].append(maximum)
    features = datasets.Features(
        image=datasets.Image(),
        disparity=datasets.Image(),
        disparity_minimum=datasets.Value("float64"),
        disparity_maximum=datasets.Value("float64"),
    )
    return datasets.Dataset.from_dict(rows, features=features)
