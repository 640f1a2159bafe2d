# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures and records that runs, evaluations and cards leave among photographs or tables are no data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.checking.record import MARK, MARK_KEY
from depth_anything_hf.checking.runner import SHEET_FILE as CHECK_SHEET
from depth_anything_hf.data import own_pictures
from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.index.file_runs import pack_run
from depth_anything_hf.data.own_pictures import is_own_picture, is_own_table, may_have_own
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.table_files import table_files
from depth_anything_hf.evaluation.label_review_report import SHEET as REVIEW_SHEET
from depth_anything_hf.evaluation.result_files import CONFIDENCE_FILE
from depth_anything_hf.evaluation.result_files import SHEET_FILE as ERROR_SHEET
from depth_anything_hf.inference.confidence import SUFFIX as CONFIDENCE
from depth_anything_hf.inference.point_outputs import NORMALS
from depth_anything_hf.inference.prediction_formats import FORMATS
from depth_anything_hf.inference.prediction_sources import find_image_files
from depth_anything_hf.recipes.dry_run import SHEET_FILE as DRY_RUN_SHEET
from depth_anything_hf.training.summary import CHART_FILE
from depth_anything_hf.visualization.encode import encode_jpeg, encode_png


PICTURES = ("training.png", "pictures/step-10.png", "card/loss.png", "dry_run.jpg", "errors.jpg", "confidence.jpg")


def write_pictures(folder: Path, rgb: np.ndarray, marks: tuple[str, str]) -> None:
    for name in PICTURES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(folder / name)
    for name, mark in zip(PICTURES[-3:], (*marks, marks[1]), strict=True):
        (folder / name).write_bytes(encode_jpeg(rgb, comment=mark))


def names_in(folder: Path) -> list[str]:
    return sorted(Path(name).relative_to(folder).as_posix() for name in PhotoFolder(folder).names)


@pytest.mark.parametrize("place", [".", "run", "a/run"])
def test_pictures_of_a_run_are_no_photographs(tmp_path: Path, rgb: np.ndarray, place: str) -> None:
    folder = tmp_path / place
    write_pictures(folder, rgb, ("depth_anything_hf.dry_run", "depth_anything_hf.evaluation"))
    (folder / "training_arguments.json").write_text("{}")
    (folder / "README.md").write_text("made with depth_anything_hf\n\n![Loss](card/loss.png)\n")
    for name in ("photo.jpg", "pictures/holiday.png", "card/birthday.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(tmp_path / name)
    expected = ["card/birthday.png", "photo.jpg", "pictures/holiday.png"]
    assert names_in(tmp_path) == expected
    assert sorted(found.name for found in find_image_files([tmp_path])) == expected


def test_photographs_of_the_same_names_are_taken(tmp_path: Path, rgb: np.ndarray) -> None:
    write_pictures(tmp_path, rgb, ("", "a comment"))
    (tmp_path / "README.md").write_text("my pictures, e.g. ![birthday](card/loss.png)\n")
    assert names_in(tmp_path) == sorted(PICTURES)


def test_the_names_are_those_that_the_package_writes() -> None:
    assert set(own_pictures._BY_NAME) == {
        *(CHART_FILE, DRY_RUN_SHEET, ERROR_SHEET, CONFIDENCE_FILE, CHECK_SHEET, REVIEW_SHEET),
    }
    pictures = [each.suffix for each in FORMATS.values() if each.is_picture]
    assert set(own_pictures.PICTURE_ENDINGS) == {*pictures, NORMALS, CONFIDENCE}


def test_the_quick_look_at_names_passes_none_by(tmp_path: Path, rgb: np.ndarray) -> None:
    """Whatever is told from photographs and tables one by one is also suspected by its name."""
    write_pictures(tmp_path, rgb, ("depth_anything_hf.dry_run", "depth_anything_hf.evaluation"))
    for name in own_pictures.RUN_TABLES:
        (tmp_path / name).write_text("{}")
    (tmp_path / "README.md").write_text("made with depth_anything_hf\n\n![Loss](card/loss.png)\n")
    (tmp_path / CHECK_SHEET).write_bytes(encode_png(rgb, {MARK_KEY: MARK}))
    (tmp_path / REVIEW_SHEET).write_bytes(encode_png(rgb, {"written_by": "depth_anything_hf.review"}))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "README.md"]
    assert len(files) == len(PICTURES) + len(own_pictures.RUN_TABLES) + 2
    for path in files:
        assert is_own_picture(path) or is_own_table(path), path
        assert may_have_own(pack_run(str(path.parent), [path.name])), path
    assert not may_have_own(pack_run(str(tmp_path), ["photo.jpg", "depth.png", "holiday/worst.jpg"]))


def test_records_of_a_run_are_no_tables(tmp_path: Path) -> None:
    rows = [{"image": "a.png", "depth": "a.npy"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("log.jsonl", "best/results.json", "checkpoint-1/manifest.json", "training_arguments.json"):
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_text('{"step": 1}\n')
    assert table_files(tmp_path, "train") == ("json", [str(tmp_path / "rows.jsonl")])
    # Not without a run: these are names of the user's, too.
    (tmp_path / "run" / "training_arguments.json").unlink()
    assert str(tmp_path / "run" / "log.jsonl") in table_files(tmp_path, "train")[1]


def test_photographs_that_are_labelled_in_place_stay_photographs(tmp_path: Path, rgb: np.ndarray) -> None:
    folder = tmp_path / "photos"
    (folder / "manifest").mkdir(parents=True)
    Image.fromarray(rgb).save(folder / "a.png")
    for name in ("labels-00000-of-00001.parquet", "manifest/labels-00000-of-00001.entry"):
        (folder / name).touch()
    (folder / "provenance.json").write_text(json.dumps({"teacher": "t", "shard_size": 2, "data": "photos"}))
    photos = open_source({"path": str(folder), "kind": "photos"})
    assert isinstance(photos, PhotoFolder) and photos.names == [str(folder / "a.png")]
