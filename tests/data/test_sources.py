# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Opening folders, tables and photographs by what is found at a path."""

from __future__ import annotations

import json
import math
import pathlib

import cv2
import datasets
import numpy as np
import pytest
from PIL import Image
from public_datasets import names_of
from sample_files import png_bytes, pseudo_label_table, write_pairs

from depth_anything_hf.data.datasets import DepthFolder, DepthTable, PhotoFolder
from depth_anything_hf.data.sources import DataSource, open_source


def test_open_source_detects_local_kinds(
    tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path / "pairs", rgb, depth, ["a", "b"])
    assert isinstance(open_source(tmp_path / "pairs"), DepthFolder)
    photos = open_source(tmp_path / "pairs" / "images")
    assert isinstance(photos, PhotoFolder) and len(photos) == 2
    single = open_source(str(tmp_path / "pairs" / "images" / "a.png"))
    assert isinstance(single, PhotoFolder) and len(single) == 1
    pseudo_label_table(rgb, [depth, depth]).save_to_disk(tmp_path / "saved")
    assert open_source(tmp_path / "saved").label == "disparity"
    halves = datasets.DatasetDict(train=pseudo_label_table(rgb, [depth]), test=pseudo_label_table(rgb, [depth] * 2))
    halves.save_to_disk(tmp_path / "halves")
    assert len(open_source({"path": tmp_path / "halves", "split": "test"})) == 2
    with pytest.raises(ValueError, match=r"no split 'val'.*\['test', 'train'\]"):
        open_source({"path": str(tmp_path / "halves"), "split": "val"})


def test_photographs_of_a_labelled_folder_are_its_pictures_only(
    tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path, rgb, depth, ["a", "b"])
    cv2.imwrite(str(tmp_path / "depth" / "a.tiff"), depth)
    photos = open_source({"path": str(tmp_path), "kind": "photos"})
    assert len(photos) == 2 and photos.label is None and np.array_equal(photos[1]["image"], rgb)
    row = {"file_name": "images/b.png", "depth_file_name": "depth/b.npy"}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(row) + "\n")
    photos = open_source({"path": str(tmp_path), "kind": "photos"})
    assert len(photos) == 1 and photos[0]["name"].endswith("b.png")


def test_pseudo_label_shards_are_decoded(tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray) -> None:
    disparities = [np.random.default_rng(i).uniform(0, 9 + i, (6, 8)).astype(np.float32) for i in range(3)]
    disparities[1][2, 3] = np.nan
    table = pseudo_label_table(rgb, disparities)
    for index in range(3):
        table.select([index]).to_parquet(tmp_path / f"shard-{index:05d}.parquet")
    (tmp_path / "provenance.json").write_text("{}")
    opened = open_source(str(tmp_path))
    assert isinstance(opened, DepthTable) and opened.label == "disparity" and len(opened) == 3
    for index, disparity in enumerate(disparities):
        sample = opened[index]
        assert np.array_equal(sample["image"], rgb)
        assert np.allclose(sample["disparity"], disparity, atol=10 / 65535, equal_nan=True)
    as_bytes = table.cast_column("disparity", datasets.Image(decode=False)).map(
        lambda row: {"raw": row["disparity"]["bytes"]}
    )
    as_bytes = as_bytes.remove_columns("disparity").rename_column("raw", "disparity")
    assert np.allclose(DepthTable(as_bytes, label="disparity")[0]["disparity"], disparities[0], atol=10 / 65535)
    one_file = open_source({"path": str(tmp_path / "shard-00001.parquet")})
    assert len(one_file) == 1
    unlabelled = open_source({"path": str(tmp_path / "shard-00001.parquet"), "kind": "photos"})
    assert unlabelled.label is None and set(unlabelled[0]) == {"image", "name"}


def test_open_source_of_an_imagefolder_with_splits(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    for split, count in (("train", 1), ("test", 2)):
        (tmp_path / split).mkdir()
        Image.fromarray(rgb).save(tmp_path / split / "x.png")
        np.save(tmp_path / split / "y.npy", depth)
        line = json.dumps({"file_name": "x.png", "disparity_file_name": "y.npy"}) + "\n"
        (tmp_path / split / "metadata.jsonl").write_text(line * count)
    opened = open_source({"path": str(tmp_path), "split": "test"})
    assert isinstance(opened, DepthFolder) and opened.label == "disparity" and len(opened) == 2


def test_metadata_without_labels_is_photographs(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "x.png")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "x.png", "text": "a kitchen"}\n')
    assert isinstance(open_source(tmp_path), PhotoFolder)
    with pytest.raises(ValueError, match=r"'depth_file_name'.*\['file_name', 'text'\]"):
        open_source({"path": str(tmp_path), "label": "depth"})


def test_open_source_keeps_splits_of_local_parquet_apart(
    tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    pseudo_label_table(rgb, [depth]).to_parquet(tmp_path / "train-00000-of-00001.parquet")
    pseudo_label_table(rgb, [depth] * 2).to_parquet(tmp_path / "validation-00000-of-00001.parquet")
    assert len(open_source(tmp_path)) == 1
    assert len(open_source(DataSource(str(tmp_path), split="validation"))) == 2
    with pytest.raises(ValueError, match=r"no files of split 'test'.*\['train', 'validation'\]"):
        open_source(DataSource(str(tmp_path), split="test"))


def test_tables_know_the_names_of_splits_that_folders_know(tmp_path: pathlib.Path, rgb: np.ndarray) -> None:
    for count, name in enumerate(("data", "Training", "val", "test"), start=1):
        pseudo_label_table(rgb, [rgb[..., 0].astype(np.float32)] * count).to_parquet(tmp_path / f"{name}-0.parquet")

    def rows(split: str) -> int:
        return len(open_source({"path": str(tmp_path), "split": split}))

    assert [rows(split) for split in ("train", "validation", "val", "test", "", "data")] == [2, 3, 3, 4, 10, 1]
    (tmp_path / "Training-0.parquet").unlink()
    (tmp_path / "test-0.parquet").unlink()
    with pytest.raises(ValueError, match=r"no files of split 'train'.*\['val'\]"):
        rows("train")


def test_open_source_of_json_lines_with_relative_paths(
    tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path / "pairs", rgb, depth, ["a"])
    (tmp_path / "list.jsonl").write_text('{"image": "pairs/images/a.png", "depth": "pairs/depth/a.npy"}\n')
    sample = open_source(tmp_path / "list.jsonl")[0]
    assert np.array_equal(sample["depth"], depth) and sample["name"].endswith("a.png")


def test_label_column_of_another_name_needs_its_kind(
    tmp_path: pathlib.Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    rows = {"image": [{"bytes": png_bytes(rgb), "path": None}], "inverse": [depth.tolist()]}
    datasets.Dataset.from_dict(rows).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="label_column='inverse' does not tell what the label is; set label"):
        open_source({"path": str(tmp_path), "label_column": "inverse"})
    opened = open_source({"path": str(tmp_path), "label_column": "inverse", "label": "disparity"})
    assert np.array_equal(opened[0]["disparity"], depth)
    assert open_source(str(tmp_path)).label is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"expected tables .*, found none"):
        open_source({"path": str(tmp_path / "empty"), "kind": "table"})


def test_open_source_errors(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=r"unknown key 'lable'.*'label'"):
        open_source({"path": "x", "lable": "depth"})
    with pytest.raises(ValueError, match="needs the key 'path'"):
        open_source({"label": "depth"})
    for wrong in ({"kind": "folders"}, {"label": "dist"}, {"limit": 0}, {"weight": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            open_source({"path": "x", **wrong})
    with pytest.raises(FileNotFoundError, match="found none of them"):
        open_source(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        open_source(str(tmp_path / "absent"))
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(FileNotFoundError, match=r"expected an image, a table .*got a file of neither kind"):
        open_source(tmp_path / "notes.txt")


def test_numbers_of_a_source_are_checked_where_it_is_described() -> None:
    source = DataSource("x", scale="1e3", max_depth="1e2", weight="1e-1", limit=2.0, invalid_values=["65535", 0])
    assert (source.scale, source.max_depth, source.weight, source.limit) == (1000, 100, 0.1, 2)
    assert isinstance(source.limit, int) and source.invalid_values == [65535, 0]
    for name, wrong in (("scale", "mm"), ("scale", True), ("scale", 0), ("scale", math.inf), ("scale", math.nan)):
        with pytest.raises(ValueError, match=rf"^x: {name} must be"):
            DataSource("x", **{name: wrong})
    for name, wrong in (("limit", 2.5), ("weight", "much"), ("max_depth", [80]), ("invalid_values", ["none"])):
        with pytest.raises(ValueError, match=rf"^x: {name} must be"):
            DataSource("x", **{name: wrong})


@pytest.mark.parametrize("streaming", [False, True])
def test_a_file_that_is_no_table_is_told_with_the_suffixes(tmp_path: pathlib.Path, streaming: bool) -> None:
    (tmp_path / "rows.csv").write_text("image\na.png\n")
    with pytest.raises(ValueError, match=r"rows\.csv: expected a table \(\.parquet.*got a file with another suffix"):
        open_source({"path": str(tmp_path / "rows.csv"), "kind": "table", "streaming": streaming})


def test_a_hub_id_that_cannot_be_loaded_says_so(monkeypatch: pytest.MonkeyPatch, table_cache: None) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match=r"nobody/nothing-here.*no local file or folder"):
        open_source("nobody/nothing-here")


def test_photographs_in_a_table_are_read_without_its_labels(
    tmp_path: pathlib.Path, rgb: np.ndarray, table_cache: None
) -> None:
    path = tmp_path / "rows.parquet"
    content = cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()
    rows = datasets.Dataset.from_dict({"image": [content], "depth": [b"not an image"]})
    rows.to_parquet(str(path))
    opened = open_source(DataSource(str(path), kind="photos"))
    assert opened.label is None
    assert np.array_equal(opened[0]["image"], rgb)


def test_a_data_source_opens_a_public_data_set(roots: dict[str, pathlib.Path]) -> None:
    root = str(roots["vkitti2"])
    source = {"path": root, "kind": "vkitti2", "options": {"cameras": ["Camera_0", "Camera_1"]}, "max_depth": 80.0}
    assert names_of(open_source(source)) == ["Scene02/clone/Camera_0/00000", "Scene02/clone/Camera_1/00000"]
    assert len(open_source(DataSource(root, kind="vkitti2", split=""))) == 2
    with pytest.raises(ValueError, match="scale is fixed for the dataset vkitti2; leave it out"):
        open_source({"path": root, "kind": "vkitti2", "scale": 100})
    with pytest.raises(ValueError, match="has the label 'depth', not 'disparity'"):
        open_source({"path": root, "kind": "vkitti2", "label": "disparity"})
    with pytest.raises(ValueError, match="no split 'train'; set split to one of test"):
        open_source({"path": str(roots["ibims"]), "kind": "ibims"})
    with pytest.raises(ValueError, match="options are for public datasets"):
        DataSource(root, options={"cameras": []})
    with pytest.raises(ValueError, match="cannot stream"):
        open_source({"path": root, "kind": "vkitti2", "streaming": True})


@pytest.mark.parametrize(
    ("field", "value", "meant"),
    [
        ("scale", "1e3", 1000.0),
        ("scale", 1000, 1000),
        ("limit", "1e1", 10),
        ("limit", 10.0, 10),
        ("weight", "1e-1", 0.1),
        ("invalid_values", ["0", "6.5e4"], [0.0, 65000.0]),
        ("invalid_values", "1e4", 10000.0),
        ("invalid_values", [0, 65535], [0, 65535]),
        ("sky_value", "1e4", 10000.0),
        ("streaming", "false", False),
        ("split", 2020, "2020"),
    ],
)
def test_fields_of_a_source_have_their_types(field: str, value: object, meant: object) -> None:
    converted = getattr(DataSource.from_dict({"path": "x", field: value}), field)
    assert converted == meant and type(converted) is type(meant)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("scale", "1000mm", "a number"),
        ("scale", True, "a number"),
        ("scale", float("nan"), "a number"),
        ("limit", 2.5, "a whole number"),
        ("limit", True, "a whole number"),
        ("invalid_values", ["zero"], "a number"),
        ("invalid_values", {"a": 1}, "a list of numbers"),
        ("streaming", "perhaps", "true or false"),
        ("split", ["train"], "text"),
        ("label_column", True, "text"),
        ("kind", None, "text"),
        ("options", "cameras", "a mapping"),
        ("path", ["a", "b"], "text"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(field: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=rf"{field}.* must be {expected}, got"):
        DataSource.from_dict({"path": "x", field: value})


@pytest.mark.parametrize("field", ["scale", "max_depth", "weight"])
@pytest.mark.parametrize("value", [0, -1, "-1e-3"])
def test_a_size_of_a_source_is_positive(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{field} must be > 0"):
        DataSource.from_dict({"path": "x", field: value})
