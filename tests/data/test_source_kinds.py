# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A folder that is several kinds of sources at once is refused, and says how to choose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoded_maps import dynamic_depth, jpeg, png
from PIL import Image
from sample_files import png_bytes, pseudo_label_table, write_pairs, write_tar_members

from depth_anything_hf.data.sources import open_source


def write_table(path: Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pseudo_label_table(rgb, [depth]).to_parquet(path)
    else:
        write_tar_members(path, {"0.png": png_bytes(rgb)})


@pytest.mark.parametrize("options", [{}, {"kind": "photos"}, {"streaming": True, "kind": "photos"}])
@pytest.mark.parametrize("table", ["a.parquet", "a.tar", "sub/a.tgz", "b.tar.gz"])
def test_pictures_beside_tables_are_refused_by_their_names(
    tmp_path: Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray, table: str, options: dict
) -> None:
    write_table(tmp_path / table, rgb, depth)
    for name in ("x.png", "y.PNG", "z.jpg"):
        Image.fromarray(rgb).save(tmp_path / name)
    kind = ".tar" if "t" in Path(table).suffix[:2] or table.endswith("gz") else ".parquet"
    with pytest.raises(ValueError, match=rf"pictures \(1 \.jpg, 2 \.png\) beside tables \(1 {kind}\)") as told:
        open_source({"path": str(tmp_path), **options})
    message = str(told.value)
    assert "x.png" in message and table in message and "name the folder or the file" in message
    assert ('set kind: "table"' in message) is (options == {})
    assert len(open_source(tmp_path / table)) == 1
    if options == {}:
        assert len(open_source({"path": str(tmp_path), "kind": "table"})) == 1


def test_pictures_of_a_card_are_told(tmp_path: Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_table(tmp_path / "data" / "train.parquet", rgb, depth)
    (tmp_path / "README.md").write_text("![A row](assets/row.png)")
    (tmp_path / "assets").mkdir()
    Image.fromarray(rgb).save(tmp_path / "assets" / "row.png")
    with pytest.warns(UserWarning, match=r"left out 1 \.png: README\.md shows them"):
        assert len(open_source(tmp_path)) == 1
    Image.fromarray(rgb).save(tmp_path / "assets" / "other.png")
    with (
        pytest.warns(UserWarning, match=r"left out 1 \.png"),
        pytest.raises(ValueError, match=r"pictures \(1 \.png\) beside tables \(1 \.parquet\)"),
    ):
        open_source(tmp_path)


def test_pairs_beside_tables_are_refused(
    tmp_path: Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path, rgb, depth, ["a", "b"])
    write_table(tmp_path / "shards" / "a.parquet", rgb, depth)
    with pytest.raises(ValueError, match=r'pictures with labels \(2 \.png\) beside tables .*kind: "folder".*"table"'):
        open_source(tmp_path)
    assert len(open_source({"path": str(tmp_path), "kind": "folder"})) == 2
    assert len(open_source({"path": str(tmp_path), "kind": "table"})) == 1
    (tmp_path / "shards" / "a.parquet").rename(tmp_path / "notes.parquet.bak")
    assert len(open_source(tmp_path)) == 2


def test_tables_of_two_formats_are_refused(
    tmp_path: Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_table(tmp_path / "a.parquet", rgb, depth)
    write_table(tmp_path / "b.tar", rgb, depth)
    for options in ({}, {"streaming": True}):
        with pytest.raises(ValueError, match=r"tables of two formats \(1 \.parquet, 1 \.tar\), e\.g\. .*a\.parquet"):
            open_source({"path": str(tmp_path), **options})


def test_a_table_of_lines_beside_pictures_is_told(tmp_path: Path, table_cache: None, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "0.png")
    (tmp_path / "train.jsonl").write_text('{"image": "0.png"}')
    (tmp_path / "notes.json").write_text("{}")
    with pytest.warns(UserWarning, match=r"not the 1 \.jsonl beside them, e\.g\. .*train\.jsonl; name the file"):
        assert len(open_source(tmp_path)) == 1
    assert len(open_source(tmp_path / "train.jsonl")) == 1
    with pytest.raises(
        FileNotFoundError, match=r"label asks for labels.*to read the table train\.jsonl, name the file"
    ):
        open_source({"path": str(tmp_path), "label": "depth"})


def test_depth_inside_of_photographs_is_named_and_a_rig_makes_depth_of_disparity(tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    told = 'DepthMap:Format="RangeLinear" DepthMap:Near="1" DepthMap:Far="5" DepthMap:Units="Meters"'
    path = tmp_path / "phone" / "a.jpg"
    path.write_bytes(dynamic_depth(png(np.full((24, 32), 255, np.uint8)), told, "image/png"))
    for place, error in ((path.parent, FileNotFoundError), (path, ValueError)):
        with pytest.raises(error, match=r"a\.jpg has depth inside: set encoding: dynamic_depth"):
            open_source({"path": str(place), "label": "depth"})
    assert (open_source({"path": str(path.parent), "encoding": "dynamic_depth"})[0]["depth"] == 5).all()

    for name, content in (("images", jpeg()), ("disparity", png(np.full((24, 32), 2560, np.uint16)))):
        (tmp_path / "stereo" / name).mkdir(parents=True)
        (tmp_path / "stereo" / name / ("a.jpg" if name == "images" else "a.png")).write_bytes(content)
    rig = {"path": str(tmp_path / "stereo"), "encoding": "kitti_disparity:focal=100,baseline=0.5"}
    for asked in ({}, {"label": "depth"}):
        assert (open_source({**rig, **asked})[0]["depth"] == 5).all()
