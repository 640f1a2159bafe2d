# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Failed tries are counted for each image of a shard, across runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from depth_anything_hf.pseudo_labels.tries import TRIES_FOLDER, WHOLE_SHARD, count_try, forget_tries


def test_tries_are_counted_for_each_image_until_the_shard_is_complete(tmp_path: Path) -> None:
    first, second = tmp_path / "labels-00000-of-00002.parquet", tmp_path / "labels-00001-of-00002.parquet"
    assert count_try(first, ["3", "7"]) == {"3": 1, "7": 1}
    assert count_try(first, ["7", WHOLE_SHARD]) == {"7": 2, WHOLE_SHARD: 1}
    assert count_try(second, ["3"]) == {"3": 1}
    assert count_try(first, ["3"]) == {"3": 2}
    forget_tries(first)
    forget_tries(first)
    assert count_try(first, ["7"]) == {"7": 1} and count_try(second, ["3"]) == {"3": 2}


@pytest.mark.parametrize("content", ["", "[1]", '{"3": null}', "7"])
def test_damaged_counts_begin_again(tmp_path: Path, content: str) -> None:
    (tmp_path / TRIES_FOLDER).mkdir()
    (tmp_path / TRIES_FOLDER / "labels-0.tries").write_text(content)
    assert count_try(tmp_path / "labels-0.parquet", ["3"]) == {"3": 1}
