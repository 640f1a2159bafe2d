# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of Arrow are mapped, or left to `datasets`."""

from __future__ import annotations

import pickle
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest
from sample_files import pseudo_label_table

from depth_anything_hf.data import arrow_files
from depth_anything_hf.data.arrow_files import map_arrow_files
from depth_anything_hf.data.datasets import DepthTable
from depth_anything_hf.data.sources import open_source


def write(path: Path, table: pa.Table) -> str:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return str(path)


def test_files_as_datasets_writes_them_are_mapped(
    tmp_path: Path, table_cache: None, rgb: np.ndarray, depth: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pseudo_label_table(rgb, [depth, depth + 1, depth + 2])
    files = []
    for number, part in enumerate(([0, 1], [2])):
        files.append(write(tmp_path / f"{number}.arrow", table.select(part).flatten_indices().data.table))
    opened = open_source(tmp_path)
    assert isinstance(opened, DepthTable) and len(opened) == 3 and not (tmp_path / "cache" / "arrow").exists()
    expected = DepthTable(table, label="disparity")
    for index in range(3):
        assert np.array_equal(opened[index]["disparity"], expected[index]["disparity"])
        assert np.array_equal(opened[index]["image"], rgb)
    mapped = map_arrow_files(files)
    assert mapped is not None and mapped.features == table.features and len(pickle.dumps(mapped)) < 20_000
    monkeypatch.setattr(arrow_files, "MOST_FILES", 1)
    assert map_arrow_files(files) is None and len(open_source(tmp_path)) == 3


def test_other_files_are_left_to_datasets_and_damaged_ones_are_named(tmp_path: Path) -> None:
    table = datasets.Dataset.from_dict({"image": [b"a" * 500, b"b"], "near": [1.0, 2.0]}).data.table
    first = write(tmp_path / "0.arrow", table)
    assert map_arrow_files([first, write(tmp_path / "1.arrow", table.select(["image"]))]) is None
    with pa.OSFile(str(tmp_path / "2.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    assert map_arrow_files([str(tmp_path / "2.arrow")]) is None
    content = Path(first).read_bytes()
    Path(first).write_bytes(content[:-300])
    with pytest.raises(ValueError, match=r"0\.arrow is damaged: .*; copy, download"):
        map_arrow_files([first])
