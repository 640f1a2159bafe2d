# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A table of a dataset loses nothing."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from depth_anything_hf.data.datasets import DepthTable
from depth_anything_hf.data.export import as_table, table_features
from depth_anything_hf.data.public.catalog import open_public
from depth_anything_hf.data.sources import open_source


@pytest.mark.parametrize(("name", "label"), [("vkitti2", "depth"), ("middlebury", "disparity")])
def test_a_table_loses_nothing(
    name: str, label: str, roots: dict[str, pathlib.Path], tmp_path: pathlib.Path, table_cache: None
) -> None:
    samples = open_public(name, roots[name])
    table = as_table(samples, tmp_path / "rows")
    assert table.features == table_features(label) and len(table) == len(samples)
    (tmp_path / "table").mkdir()
    table.to_parquet(tmp_path / "table" / "train.parquet")
    for opened in (DepthTable(table, label=label), open_source(tmp_path / "table")):
        sample = opened[0]
        assert np.array_equal(sample["image"], samples[0]["image"]) and sample["name"] == samples[0]["name"]
        assert np.array_equal(sample[label], samples[0][label], equal_nan=True)
    assert np.array_equal(np.reshape(table[0]["intrinsics"], (3, 3)), samples[0]["intrinsics"])


def test_point_pairs_make_no_table(roots: dict[str, pathlib.Path]) -> None:
    with pytest.raises(ValueError, match="samples with depth or disparity"):
        as_table(open_public("da-2k", roots["da-2k"]))
