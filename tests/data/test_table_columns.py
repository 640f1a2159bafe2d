# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Columns of tar shards: what follows the first dot of a file's name."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from sample_files import png_bytes, write_tar_members

from depth_anything_hf.data.sources import open_source


def npy_bytes(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@pytest.mark.parametrize(
    "names", [["a.PNG", "b.PNG"], ["a.0.png", "b.0.png"], ["./a.rgb.png", "./b.rgb.png"], ["a.png", "b.png"]]
)
def test_the_only_picture_of_a_sample_is_found(
    tmp_path: Path, table_cache: None, rgb: np.ndarray, names: list[str]
) -> None:
    write_tar_members(tmp_path / "a.tar", {name: png_bytes(rgb) for name in names})
    samples = open_source(tmp_path)
    assert [samples[index]["name"] for index in range(2)] == ["a", "b"]
    assert np.array_equal(samples[1]["image"], rgb)


def test_names_with_several_dots_are_refused_or_told(tmp_path: Path, table_cache: None, rgb: np.ndarray) -> None:
    picture = png_bytes(rgb)
    write_tar_members(tmp_path / "a.tar", {"v1.2.png": picture, "v1.3.png": picture})
    with pytest.raises(ValueError, match=r"\['2\.png', '3\.png'\] of the tar shards .*'2\.png' that of name\.2\.png"):
        open_source(tmp_path)
    assert len(open_source({"path": str(tmp_path), "image_column": "3.png"})) == 1
    write_tar_members(tmp_path / "a.tar", {"v1.png": picture, "v1.3.png": picture})
    with pytest.warns(UserWarning, match=r"'png' is read, and of the other pictures none: \['3\.png'\]"):
        open_source(tmp_path)
    write_tar_members(tmp_path / "a.tar", {"v1.png": picture, "v1.depth.png": picture})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(open_source({"path": str(tmp_path), "kind": "photos"})) == 1


def test_archives_that_datasets_refuses_are_explained(tmp_path: Path, table_cache: None, rgb: np.ndarray) -> None:
    write_tar_members(tmp_path / "a.tar", {"a.png": png_bytes(rgb), "b.bmp": png_bytes(rgb)})
    with pytest.raises(ValueError, match=r"a\.tar.*each sample needs files of the same suffixes"):
        open_source(tmp_path / "a.tar")
    write_tar_members(tmp_path / "a.tar", {"caf\udce9.png": png_bytes(rgb)})
    with pytest.raises(ValueError, match=r"a\.tar.*the name 'caf.*xe9' is not UTF-8: rename"):
        open_source(tmp_path / "a.tar")


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("asked", [{}, {"label": "depth"}])
def test_labels_of_tar_shards_are_found_by_their_names(
    tmp_path: Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray, asked: dict[str, str], streaming: bool
) -> None:
    files = {"jpg.png": png_bytes(rgb), "Depth.npy": npy_bytes(depth)}
    members = {f"{name}.{suffix}": content for name in "ab" for suffix, content in files.items()}
    write_tar_members(tmp_path / "a.tar", members)
    source = {"path": str(tmp_path), "image_column": "jpg.png", **asked, "streaming": streaming}
    samples = open_source(source)
    assert samples.label == "depth"
    sample = samples.read(next(iter(samples.shard(0))), 0, 0) if streaming else samples[0]
    assert np.array_equal(sample["depth"], depth)


def test_several_columns_that_could_be_labels_are_refused(
    tmp_path: Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    members = {"a.png": png_bytes(rgb), "a.depth.npy": npy_bytes(depth), "a.depth.png": png_bytes(rgb)}
    write_tar_members(tmp_path / "a.tar", members)
    with pytest.raises(ValueError, match=r"name the right one with label_column"):
        open_source({"path": str(tmp_path), "label": "depth"})
    # The name of a column tells what the label is.
    assert open_source({"path": str(tmp_path), "label_column": "depth.npy"}).label == "depth"
