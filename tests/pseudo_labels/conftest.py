# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Photographs to label, and a tiny teacher."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_runs import (
    random_image,
    tiny_predictor,
    write_parquet,
)
from label_shards import row, write_shard
from PIL import Image

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.shards import shard_name


@pytest.fixture(scope="module")
def predictor() -> DepthPredictor:
    return tiny_predictor()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Seven pictures of two sizes; the last lies on its side and says so in its EXIF data."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(6):
        image = random_image((30, 40) if number % 2 else (40, 30), number)
        Image.fromarray(image).save(folder / ("more" if number > 3 else "") / f"{number}.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(random_image((30, 40), 6)).save(folder / "more" / "6.jpg", exif=exif)
    return folder


@pytest.fixture
def tables(photos: Path, tmp_path: Path, table_cache: None) -> Path:
    """The seven pictures in three parquet files of five, none and two."""
    files = sorted(photos.rglob("*.jpg"))
    for number, part in enumerate([files[:5], [], files[5:]]):
        write_parquet(tmp_path / "tables" / f"{number}.parquet", part)
    return tmp_path / "tables"


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    return write_shard(tmp_path / shard_name(0, 1), [row("a"), row("bb")], [("c", "broken")])
