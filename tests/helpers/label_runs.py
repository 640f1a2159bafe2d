# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Short labelling runs with a tiny teacher."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from transformers import Dinov2Config

from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.pseudo_labels.fill_shards import LabelReport, label_images


SIDE = 42


COLUMNS = [
    *("image", "disparity", "disparity_minimum", "disparity_maximum", "disparity_encoding"),
    *("name", "source_row", "width", "height"),
]


PROVENANCE: dict[str, Any] = {"teacher": "tiny", "input_size": SIDE}


def tiny_predictor(batch_size: int = 2, **options: Any) -> DepthPredictor:
    torch.manual_seed(0)
    encoder = Dinov2Config(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=70)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder, **options))
    return DepthPredictor(model, DepthAnythingImageProcessor.for_input_size(SIDE), batch_size=batch_size)


def random_image(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def label(predictor: DepthPredictor, photos: Path, output: Path, **options: Any) -> LabelReport:
    settings: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 3, "progress": False, **options}
    return label_images(predictor, PhotoFolder(photos), output, **settings)


def contents(folder: Path) -> dict[str, bytes]:
    """Files without the manifest, which has an entry for each shard."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    entries = sorted(path.stem for path in folder.glob("manifest/*"))
    assert entries == sorted(Path(name).stem for name in files if name.endswith(".parquet"))
    return files


class Samples:
    """A dataset in memory, whose names are no files."""

    label: str | None = None

    def __init__(self, samples: list[dict[str, Any]]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.samples[index]


def write_parquet(path: Path, pictures: list[Path]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = datasets.Features({"image": datasets.Image()}).arrow_schema
    with pq.ParquetWriter(path, schema) as writer:
        for picture in pictures:
            cell = {"bytes": picture.read_bytes(), "path": "photo.jpg"}
            writer.write_table(pa.Table.from_pylist([{"image": cell}], schema=schema))


def write_tar(path: Path, pictures: list[Path]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for index, picture in enumerate(pictures):
            archive.add(picture, f"{index:04d}.jpg")


def label_stream(predictor: DepthPredictor, tables: Path, output: Path, **options: Any) -> LabelReport:
    stream = open_source(DataSource(str(tables), kind="photos", streaming=True))
    settings: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 2, "progress": False, **options}
    return label_images(predictor, stream, output, **settings)
