# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Images are named relative to their folder, printably, and a name and a row identify an image."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from label_runs import PROVENANCE, label, random_image
from PIL import Image

from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.fill_shards import LabelReport, label_images
from depth_anything_hf.pseudo_labels.shards import ShardWriter, read_summary
from depth_anything_hf.pseudo_labels.verify import verify_labels


LATIN = os.fsdecode(b"caf\xe9.png")


def rows_of(report: LabelReport) -> list[dict[str, Any]]:
    return [row for path in report.shards for row in pq.read_table(path).to_pylist()]


def label_source(predictor: DepthPredictor, source: DataSource, output: Path, **options: Any) -> LabelReport:
    settings: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 2, "progress": False, **options}
    return label_images(predictor, open_source(source), output, **settings)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take UTF-8 only")
@pytest.mark.parametrize("store_images", ["bytes", "reference"])
def test_names_that_are_not_utf8_are_escaped_and_open(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, store_images: str
) -> None:
    Image.fromarray(random_image((30, 40), 9)).save(photos / LATIN)
    (photos / os.fsdecode(b"broken\xe9.jpg")).write_bytes(b"no picture")
    options: dict[str, Any] = {"names_relative_to": photos, "store_images": store_images}
    report = label(predictor, photos, tmp_path / "labels", **options)
    assert r"caf\xe9.png" in [row["name"] for row in rows_of(report)]
    ((name, reason),) = report.skipped
    assert name == r"broken\xe9.jpg" and reason.startswith(r"broken\xe9.jpg")
    assert label(predictor, photos, tmp_path / "labels", **options) == report
    assert verify_labels(tmp_path / "labels").is_sound
    samples = open_source(str(tmp_path / "labels"))
    index = next(index for index in range(8) if samples[index]["name"] == r"caf\xe9.png")
    np.testing.assert_array_equal(samples[index]["image"], random_image((30, 40), 9))


@pytest.mark.parametrize("streaming", [False, True])
def test_names_of_a_table_may_repeat(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, table_cache: None, streaming: bool
) -> None:
    features = datasets.Features(image=datasets.Image(), name=datasets.Value("string"))
    for number in range(2):
        cells = [{"bytes": path.read_bytes(), "path": None} for path in sorted(photos.glob("*.jpg"))]
        table = datasets.Dataset.from_dict({"image": cells, "name": ["cat", "cat", "dog", "dog"]}, features=features)
        table.to_parquet(tmp_path / "table" / f"{number}.parquet")
    source = DataSource(str(tmp_path / "table"), kind="photos", streaming=streaming)
    report = label_source(predictor, source, tmp_path / "labels")
    assert report.labelled == 8 and verify_labels(tmp_path / "labels").is_sound
    # The same rows twice are a fault all the same.
    rows = pq.read_table(report.shards[0]).to_pylist()
    summary = read_summary(report.shards[0])
    assert summary is not None
    writer = ShardWriter(report.shards[1])
    writer.write(rows)
    writer.finish(summary.skipped, summary.provenance)
    names = [row["name"] for row in rows]
    assert verify_labels(tmp_path / "labels").duplicates == sorted(set(names))


def test_a_table_of_paths_is_named_relative_to_its_folder(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, table_cache: None
) -> None:
    rows = [{"image": "more/4.jpg"}, {"image": str(photos / "0.jpg")}, {"image": "../elsewhere.jpg"}]
    shutil.copy(photos / "1.jpg", tmp_path / "elsewhere.jpg")
    (photos / "table.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = DataSource(str(photos / "table.jsonl"), kind="photos")
    report = label_source(predictor, source, tmp_path / "labels", keep_order=True)
    assert [row["name"] for row in rows_of(report)] == ["more/4.jpg", "0.jpg", "elsewhere.jpg"]


def test_a_reason_does_not_tell_where_the_images_lie(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    files = PhotoFolder(sorted(photos.glob("*.jpg")))
    options: dict[str, Any] = {"provenance": PROVENANCE, "names_relative_to": tmp_path / "other", "progress": False}
    ((name, reason),) = label_images(predictor, files, tmp_path / "labels", **options).skipped
    assert name == "broken.jpg" and str(tmp_path) not in reason and "not an image" in reason


@pytest.mark.parametrize("streaming", [False, True])
def test_maps_in_the_column_of_the_images_are_told(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, table_cache: None, streaming: bool
) -> None:
    values = io.BytesIO()
    Image.fromarray(np.full((30, 40), 2000, np.uint16)).save(values, "PNG")
    cells = [
        {"bytes": (photos / "0.jpg").read_bytes(), "path": "0.jpg"},
        {"bytes": values.getvalue(), "path": "1.png"},
    ]
    features = datasets.Features(image=datasets.Image())
    datasets.Dataset.from_dict({"image": cells}, features=features).to_parquet(tmp_path / "table" / "0.parquet")
    source = DataSource(str(tmp_path / "table"), kind="photos", streaming=streaming)
    with pytest.warns(
        UserWarning, match=r"1 picture of a single channel of 16 bits or floats, .*1\.png.*image_column"
    ):
        assert label_source(predictor, source, tmp_path / "labels").labelled == 2
