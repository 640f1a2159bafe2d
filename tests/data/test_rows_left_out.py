# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rows that are left out of tables, folders, photographs and streams: by a list, and by the fit of two teachers."""

from __future__ import annotations

import logging
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_shards import row, write_shard
from masked_labels import masked_row, write_masked_shard
from PIL import Image

from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.rows_left_out import KeptRows
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.training.description import describe_source


NAMES = [f"scene/{index}.png" for index in range(7)]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Seven rows in three shards; the fit of the third one is bad, and two rows have one name."""
    rows = [masked_row(name, source_row=index, fit_ok=index != 2) for index, name in enumerate(NAMES)]
    rows[6]["name"] = NAMES[5]
    for shard, block in enumerate((rows[:3], rows[3:5], rows[5:])):
        write_masked_shard(tmp_path / "labels" / f"labels-{shard:05d}-of-00003.parquet", block)
    return tmp_path / "labels"


def write_list(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def names_of(samples: Any) -> list[str]:
    return [samples[index]["name"] for index in range(len(samples))]


def test_bad_fits_are_left_out_and_told_once(labels: Path, caplog: pytest.LogCaptureFixture) -> None:
    samples = open_source(str(labels))
    assert isinstance(samples, KeptRows)
    assert names_of(samples) == [*NAMES[:2], *NAMES[3:6], NAMES[5]]
    assert [samples.name_of(index) for index in range(6)] == names_of(samples)
    assert [each.message for each in caplog.records] == [
        f"{labels}: left out of 7: 1 row with a bad fit of the two teachers; keep_bad_fits: true keeps those with a "
        "bad fit"
    ]
    assert len(open_source({"path": str(labels), "keep_bad_fits": True})) == 7


def test_a_listed_row_is_dropped_by_name_and_row(
    labels: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drop = write_list(tmp_path / "drop.txt", "# worst first", f"{NAMES[5]}\t6", NAMES[2], NAMES[0], "elsewhere.png")
    samples = open_source({"path": str(labels), "drop": drop})
    assert names_of(samples) == [NAMES[1], *NAMES[3:6]]
    told = [each.message for each in caplog.records]
    assert told[0] == (
        f"{labels}: its rows do not have 1 entry of {drop}, such as elsewhere.png; the other entries are dropped"
    )
    assert told[1:] == [f"{labels}: left out of 7: 3 rows of a list to drop"]
    both = write_list(tmp_path / "both.txt", NAMES[5])
    assert names_of(open_source({"path": str(labels), "drop": both})) == [*NAMES[:2], *NAMES[3:5]]


def test_other_shards_change_nothing(labels: Path, tmp_path: Path) -> None:
    drop = write_list(tmp_path / "drop.txt", f"{NAMES[3]}\t3", f"{NAMES[5]}\t6")
    other = tmp_path / "other"
    rows = [masked_row(name, source_row=index, fit_ok=index != 2) for index, name in enumerate(NAMES)]
    rows[6]["name"] = NAMES[5]
    write_masked_shard(other / "labels-00000-of-00001.parquet", rows[::-1])
    expected = sorted(names_of(open_source({"path": str(labels), "drop": drop})))
    assert (
        sorted(names_of(open_source({"path": str(other), "drop": drop})))
        == expected
        == sorted([*NAMES[:2], NAMES[4], NAMES[5]])
    )


def test_a_list_of_other_labels_is_refused(labels: Path, tmp_path: Path) -> None:
    drop = write_list(tmp_path / "drop.txt", "x.png", "y.png\t3")
    for streaming in (False, True):
        with pytest.raises(
            ValueError, match=r"none of its rows is in the list to drop; not found: 2 entries of .*x\.png"
        ):
            open_source({"path": str(labels), "drop": drop, "streaming": streaming})
    every = write_list(tmp_path / "all.txt", *NAMES)
    with pytest.raises(ValueError, match="no row is left: of 7 rows, 7 rows of a list to drop are left out"):
        open_source({"path": str(labels), "drop": every})


def test_a_line_that_is_no_row_is_told_with_its_place(labels: Path, tmp_path: Path) -> None:
    drop = write_list(tmp_path / "drop.txt", "# comment", f"{NAMES[0]}\tfirst")
    for streaming in (False, True):
        with pytest.raises(ValueError, match=r"drop\.txt, line 2: expected name or name<TAB>source_row, got 'scene/0"):
            open_source({"path": str(labels), "drop": drop, "streaming": streaming})


def test_an_empty_list_is_told(labels: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drop = write_list(tmp_path / "drop.txt", "# none stands out")
    assert len(open_source({"path": str(labels), "drop": drop, "keep_bad_fits": True})) == 7
    assert "lists no row" in caplog.text


def test_labels_without_fits_stay_as_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_shard(tmp_path / "labels" / "labels-00000-of-00001.parquet", [row("a"), row("b")]).parent
    assert not isinstance(open_source(str(folder)), KeptRows)
    assert not caplog.records
    drop = write_list(tmp_path / "drop.txt", "a")
    assert names_of(open_source({"path": str(folder), "drop": drop})) == ["b"]


@pytest.mark.parametrize("kind", ["folder", "photos"])
def test_files_are_dropped_by_their_path_below_the_root(tmp_path: Path, rgb: np.ndarray, kind: str) -> None:
    root = tmp_path / "pairs"
    for index in range(3):
        for folder in ("images", "depth"):
            (root / folder / "sub").mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(root / "images" / "sub" / f"{index}.png")
        np.save(root / "depth" / "sub" / f"{index}.npy", np.full(rgb.shape[:2], 2.0, dtype=np.float32))
    drop = write_list(tmp_path / "drop.txt", "images/sub/1.png")
    samples = open_source({"path": str(root), "kind": kind, "drop": drop})
    assert [Path(name).name for name in names_of(samples)] == ["0.png", "2.png"]
    assert samples.root == open_source({"path": str(root), "kind": kind}).root
    assert pickle.loads(pickle.dumps(samples)).name_of(1) == samples.name_of(1)
    # The path as it is written on this machine does as well.
    drop = write_list(tmp_path / "drop.txt", str(root / "images" / "sub" / "0.png"))
    assert len(open_source({"path": str(root), "kind": kind, "drop": drop})) == 2


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_streams_leave_out_the_same_rows_for_any_number_of_parts(
    labels: Path, tmp_path: Path, parts: int, caplog: pytest.LogCaptureFixture
) -> None:
    drop = write_list(tmp_path / "drop.txt", f"{NAMES[5]}\t6", NAMES[0])
    stream = open_source({"path": str(labels), "drop": drop, "streaming": True})
    assert caplog.messages == [f"{labels}: left out of 7: 2 rows of a list to drop"]
    expected = names_of(open_source({"path": str(labels), "drop": drop}))
    mixture = StreamingMixture([stream], lambda sample, random: {"name": sample["name"]})
    found: list[str] = []
    for part in range(parts):
        rows = mixture.part(part, parts)
        while True:
            item = next(rows)
            if rows.state_dict()["sources"][0]["epoch"]:
                break
            found.append(item["name"])
    assert sorted(found) == sorted(expected)


def test_a_stream_continues_at_the_same_row(labels: Path, tmp_path: Path) -> None:
    drop = write_list(tmp_path / "drop.txt", f"{NAMES[5]}\t6", NAMES[1])
    source = {"path": str(labels), "drop": drop, "streaming": True}

    def part(state: Any = None) -> Any:
        mixture = StreamingMixture([open_source(source)], lambda sample, random: {"name": sample["name"]}, seed=3)
        return mixture.part(0, 1, state)

    whole = part()
    names = [next(whole)["name"] for _ in range(12)]
    for count in (1, 3, 4, 7):
        first = part()
        _ = [next(first) for _ in range(count)]
        rest = part(pickle.loads(pickle.dumps(first.state_dict())))
        assert [next(rest)["name"] for _ in range(12 - count)] == names[count:]


def test_mixture_and_record_follow_the_list(labels: Path, tmp_path: Path) -> None:
    drop = write_list(tmp_path / "drop.txt", NAMES[0])
    whole, some = (open_source({"path": str(labels), **more}) for more in ({}, {"drop": drop}))
    mixture = Mixture([some], lambda sample, random: {"name": sample["name"]})
    assert len(mixture) == 5
    assert sorted(mixture[(0, place)]["name"] for place in range(5)) == sorted(names_of(some))
    records = [describe_source(each) for each in (whole, some)]
    assert [each["samples"] for each in records] == [6, 5]
    assert records[1]["class"] == "DepthTable"
    assert records[1]["left_out"]["dropped"] == 1
    assert records[0]["left_out"] != records[1]["left_out"]
    # The same list elsewhere, in another order and with comments, is the same.
    shutil.copy(drop, tmp_path / "again.txt")
    again = open_source({"path": str(labels), "drop": str(tmp_path / "again.txt")})
    assert describe_source(again) == records[1]


def test_rules_of_kept_rows_can_be_changed(labels: Path) -> None:
    samples = open_source(str(labels))
    assert isinstance(samples, KeptRows)
    assert len(samples.with_rules(samples.rules)) == len(samples)
    assert samples.read_encoded(2)[0] == NAMES[3]
    with pytest.raises(AttributeError, match="'KeptRows' object has no attribute 'frames'"):
        _ = samples.frames


def test_only_the_first_process_tells(
    labels: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("RANK", "1")
    open_source(str(labels))
    assert not caplog.records
