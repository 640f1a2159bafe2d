# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards of sorted photographs are samples of the whole, in an order that no later run changes or mixes."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from label_runs import contents, label, label_stream

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.order import ImageOrder, order_of_run
from depth_anything_hf.pseudo_labels.provenance import PROVENANCE_FILE, read_provenance
from depth_anything_hf.pseudo_labels.verify import verify_labels


def rows_of(folder: Path) -> list[int]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path)["source_row"].to_pylist()]


def forget_order(folder: Path) -> None:
    """Turn the provenance into that of a version that knew no permutation."""
    provenance = json.loads((folder / PROVENANCE_FILE).read_text())
    older = {key: value for key, value in provenance.items() if key not in ("order", "seed")}
    (folder / PROVENANCE_FILE).write_text(json.dumps(older))


def test_an_order_is_a_permutation_by_its_seed_on_every_machine() -> None:
    assert list(ImageOrder(0).rows(8)) == [3, 2, 1, 6, 0, 7, 4, 5]
    assert list(ImageOrder(1).rows(8)) == [2, 4, 7, 5, 0, 6, 3, 1]
    assert list(ImageOrder(None).rows(8)) == list(range(8))
    assert sorted(ImageOrder(5).rows(1000)) == list(range(1000))
    # 256 of 4,096 images in 32 classes: as many classes as chance gives.
    classes = ImageOrder(0).rows(4096).reshape(16, 256) // 128  # type: ignore[union-attr]
    assert all(len(np.unique(shard)) == 32 for shard in classes)


def test_photographs_are_permuted_over_the_shards_and_rows_name_their_place(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    label(predictor, photos, tmp_path / "labels")
    assert rows_of(tmp_path / "labels") == list(ImageOrder(0).rows(7)) != list(range(7))
    files = sorted(photos.rglob("*.jpg"))
    for path in (tmp_path / "labels").glob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            assert row["name"] == str(files[row["source_row"]])
            assert row["image"]["bytes"] == files[row["source_row"]].read_bytes()
    provenance = read_provenance(tmp_path / "labels")
    assert (provenance["order"], provenance["seed"]) == ("permuted", 0)
    label(predictor, photos, tmp_path / "other", seed=1)
    assert rows_of(tmp_path / "other") == list(ImageOrder(1).rows(7)) != rows_of(tmp_path / "labels")
    label(predictor, photos, tmp_path / "kept", keep_order=True)
    assert rows_of(tmp_path / "kept") == list(range(7))
    kept = read_provenance(tmp_path / "kept")
    assert kept["order"] == "kept" and "seed" not in kept
    assert all(verify_labels(tmp_path / folder).is_sound for folder in ("labels", "other", "kept"))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({}, {"seed": 1}, "seed: 0 there, 1 now"),
        ({"seed": 1}, {}, "seed: 1 there, 0 now"),
        ({}, {"keep_order": True}, "order: 'permuted' there, 'kept' now"),
        ({"keep_order": True}, {}, "order: 'kept' there, 'permuted' now"),
    ],
)
def test_a_run_with_another_order_is_refused_by_name(
    predictor: DepthPredictor,
    photos: Path,
    tmp_path: Path,
    first: dict[str, Any],
    second: dict[str, Any],
    message: str,
) -> None:
    report = label(predictor, photos, tmp_path / "labels", **first)
    report.shards[1].unlink()
    with pytest.raises(ValueError, match=message):
        label(predictor, photos, tmp_path / "labels", **second)
    assert not report.shards[1].exists()
    assert label(predictor, photos, tmp_path / "labels", **first) == report


def test_labels_of_an_earlier_version_go_on_in_their_order(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report = label(predictor, photos, tmp_path / "labels", keep_order=True)
    forget_order(tmp_path / "labels")
    for keep_order in (False, True):
        report.shards[1].unlink()
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            assert label(predictor, photos, tmp_path / "labels", keep_order=keep_order) == report
        assert ("continuing labels of an earlier version" in caplog.text) != keep_order
        assert rows_of(tmp_path / "labels") == list(range(7))
        # Also its shards say no more of the order than the earlier ones.
        stored = json.loads(pq.read_metadata(report.shards[1]).metadata[b"provenance"])
        assert stored == read_provenance(tmp_path / "labels") and "order" not in stored
    report.shards[1].unlink()
    with pytest.raises(ValueError, match=r"begun by an earlier version.*seed 3 would permute; leave the seed out"):
        label(predictor, photos, tmp_path / "labels", seed=3)
    assert not report.shards[1].exists()


def test_images_that_were_added_or_another_shard_size_change_nothing(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    label(predictor, photos, tmp_path / "labels")
    before = contents(tmp_path / "labels")
    with pytest.raises(ValueError, match="shard_size: 3 there, 2 now"):
        label(predictor, photos, tmp_path / "labels", shard_size=2)
    (photos / "more" / "0.jpg").write_bytes((photos / "0.jpg").read_bytes())
    with pytest.raises(ValueError, match="images: 7 there, 8 now"):
        label(predictor, photos, tmp_path / "labels")
    assert contents(tmp_path / "labels") == before


def test_a_stream_keeps_its_order_whatever_is_asked_for(
    predictor: DepthPredictor, tables: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report = label_stream(predictor, tables, tmp_path / "labels", seed=5)
    assert rows_of(tmp_path / "labels") == [0, 1, 2, 3, 4, 0, 1]
    assert read_provenance(tmp_path / "labels")["order"] == "kept"
    first = contents(tmp_path / "labels")
    report.shards[1].unlink()
    assert label_stream(predictor, tables, tmp_path / "labels", keep_order=True) == report
    assert contents(tmp_path / "labels") == first
    forget_order(tmp_path / "labels")
    report.shards[1].unlink()
    assert label_stream(predictor, tables, tmp_path / "labels", seed=5) == report
    assert rows_of(tmp_path / "labels") == [0, 1, 2, 3, 4, 0, 1]
    assert "not permuted" not in caplog.text


def test_a_seed_is_not_negative() -> None:
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        order_of_run({}, -1, keep_order=False)
