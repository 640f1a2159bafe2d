# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures to calibrate with: from where, how many, in which order, and which are held out."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.export.calibration_images import check_count, read_calibration_images


PROCESSOR = DepthAnythingImageProcessor.for_input_size(28)


def encoded(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (number, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """60 pictures of different colours, and two broken ones."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.png").write_bytes(encoded(number))
    for name in ("broken.png", "empty.png"):
        (folder / name).write_bytes(b"nothing" if name == "broken.png" else b"")
    return folder


def test_every_fifth_is_held_out_in_an_order_that_stays(photos: Path) -> None:
    first, again = (read_calibration_images(photos, PROCESSOR) for _ in range(2))
    assert len(first.used) == 48 and len(first.held_out) == 12
    assert first.used[0].shape == (1, 3, 28, 42) and first.used[0].dtype == np.float32
    colours = [float(each[0, 0, 0, 0]) for each in (*first.used, *first.held_out)]
    assert len(set(colours)) == 60 and colours != sorted(colours)
    assert colours == [float(each[0, 0, 0, 0]) for each in (*again.used, *again.held_out)]
    assert len(first.skipped) == 2 and any("broken.png" in each for each in first.skipped)
    described = first.describe()
    assert described["source"] == "photos" and described["images"] == 48 and described["held_out"] == 12
    assert not any(str(photos.parent) in each for each in described["skipped"])


def test_a_number_of_them_and_a_size_can_be_asked_for(photos: Path) -> None:
    found = read_calibration_images(photos, PROCESSOR, count=50, size=(56, 28))
    assert len(found.used) == 40 and len(found.held_out) == 10
    assert {each.shape for each in found.used} == {(1, 3, 56, 28)}


@pytest.mark.filterwarnings("ignore")
def test_tables_and_streams_are_read_without_labels(tmp_path: Path) -> None:
    rows = [{"bytes": encoded(number), "path": None} for number in range(50)]
    table = datasets.Dataset.from_dict({"image": rows}, features=datasets.Features({"image": datasets.Image()}))
    table.to_parquet(str(tmp_path / "train.parquet"))
    assert len(read_calibration_images(str(tmp_path), PROCESSOR).used) == 40
    source = {"path": str(tmp_path), "kind": "photos", "streaming": True}
    assert len(read_calibration_images(source, PROCESSOR).used) == 40


def test_too_few_are_refused_with_what_could_not_be_read(photos: Path) -> None:
    with pytest.raises(ValueError, match=r"photos: 60 pictures .* 100 were asked for; could not be read.*from 50 on"):
        read_calibration_images(photos, PROCESSOR, count=100)
    for number in range(20):
        (photos / f"{number:02}.png").unlink()
    with pytest.raises(ValueError, match=r"photos: 40 pictures .* at least 50 are needed"):
        read_calibration_images(photos, PROCESSOR)
    for count in (49, 301, 0, True, 60.5, "many"):
        with pytest.raises(ValueError, match="calibration_images"):
            check_count(count)
    assert check_count(50) == 50 and check_count(None) is None


def test_without_pictures_the_renderer_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(ImportError, match=r"depth_anything_hf\[render\].*--calibration"):
        read_calibration_images(None, PROCESSOR)


@pytest.mark.long
@pytest.mark.slow
def test_rendered_scenes_are_taken_without_pictures() -> None:
    pytest.importorskip("mitsuba")
    found = read_calibration_images(None, PROCESSOR, count=50)
    assert len(found.used) == 40 and found.source == "rendered scenes" and not found.skipped
    assert np.std(found.used[0]) > 0.1
