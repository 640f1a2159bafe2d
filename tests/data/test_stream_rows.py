# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards of one class each make mixed batches, in an order that a resume continues at any row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numbers_data import write_numbered_shards
from sample_files import colour_ramp, pseudo_label_table

from depth_anything_hf.data import table_files
from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture, StreamPart
from depth_anything_hf.data.transforms import TrainingTransform


CLASSES = 32


def write_sorted_shards(root: Path, shards: int, rows: int, group: int) -> None:
    """Writes 32 classes one after the other, as photographs in folders lie, with `group` rows in a row group."""
    table = pseudo_label_table(colour_ramp(), [np.ones((6, 8), np.float32)] * rows)
    for shard in range(shards):
        numbers = range(shard * rows, (shard + 1) * rows)
        names = [f"{number * CLASSES // (shards * rows)}-{number}" for number in numbers]
        table.add_column("name", names).to_parquet(root / f"{shard:02}.parquet", batch_size=group)


@pytest.fixture(scope="module")
def sorted_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sorted")
    write_sorted_shards(root, shards=16, rows=64, group=8)
    return root


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    write_numbered_shards(tmp_path)
    return tmp_path


def make_mixture(root: Path, shuffle_rows: int = 256, **options: Any) -> StreamingMixture:
    stream = open_source({"path": str(root), "streaming": True, **options})
    return StreamingMixture([stream], TrainingTransform.strong(14), seed=1, shuffle_rows=shuffle_rows)


def take(part: StreamPart, count: int) -> list[str]:
    return [next(part)["name"] for _ in range(count)]


def bits(item: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    return item["name"], item["broken"], item["pixel_values"].numpy().tobytes()


def classes_per_batch(mixture: StreamingMixture, parts: int, count: int) -> float:
    batches = [take(part, 24) for part in (mixture.part(index, parts) for index in range(parts)) for _ in range(count)]
    return float(np.mean([len({name.split("-")[0] for name in batch}) for batch in batches]))


@pytest.mark.parametrize("parts", [1, 8])
def test_batches_mix_shards_that_are_sorted_by_class(sorted_shards: Path, parts: int) -> None:
    """24 rows drawn from all 1,024 would be of 17 classes."""
    assert classes_per_batch(make_mixture(sorted_shards), parts, 4) >= 10
    assert classes_per_batch(make_mixture(sorted_shards, open_shards=1), parts, 4) < 5


def test_files_without_row_groups_are_shared_by_parts(tmp_path: Path) -> None:
    write_sorted_shards(tmp_path, shards=16, rows=64, group=64)
    mixture = make_mixture(tmp_path)
    assert classes_per_batch(mixture, 8, 2) >= 10
    rows = [name for part in range(8) for name in take(mixture.part(part, 8), 128)]
    assert len(set(rows)) == 1024


def test_parts_that_share_shards_take_other_classes_at_the_same_step(tmp_path: Path) -> None:
    write_sorted_shards(tmp_path, shards=16, rows=64, group=64)
    mixture = make_mixture(tmp_path)

    def classes(index: int, own_order: bool) -> list[str]:
        state = mixture.part(index, 8).state_dict()
        if not own_order:
            # As of an earlier version, whose order is continued.
            del state["sources"][0]["layout"]["own_order"]
        return [name.split("-")[0] for name in take(mixture.part(index, 8, state), 24)]

    # 192 rows drawn at random are of all 32 classes.
    assert len({name for index in range(8) for name in classes(index, True)}) >= 30
    assert classes(0, False) == classes(5, False) == classes(0, True)


def test_a_block_takes_equally_many_rows_of_every_open_shard(sorted_shards: Path) -> None:
    part = make_mixture(sorted_shards, shuffle_rows=32, open_shards=4).part(0, 1)
    reader = part.state_dict()["sources"][0]
    assert len(reader["lanes"]) == 4
    numbers = [int(name.split("-")[1]) // 8 for name in take(part, 32)]
    assert sorted(numbers.count(group) for group in set(numbers)) == [8, 8, 8, 8]


@pytest.mark.parametrize("damage", [None, lambda content: content[:4] + b"\xff" * 64 + content[68:], lambda _: b""])
@pytest.mark.parametrize("parts", [1, 7])
def test_a_resume_at_any_row_gives_the_same_rows_and_tells_no_damage_twice(
    numbered: Path, damage: Callable[[bytes], bytes] | None, parts: int
) -> None:
    if damage is not None:
        path = numbered / "1.parquet"
        path.write_bytes(damage(path.read_bytes()))
    mixture = make_mixture(numbered, shuffle_rows=5)
    for index in {0, parts - 1}:
        part, items, states = mixture.part(index, parts), [], []
        for _ in range(18):
            items.append(bits(next(part)))
            states.append(json.dumps(part.state_dict()))
        assert any(broken for _, broken, _ in items) == (damage is not None)
        for done in range(18):
            resumed = mixture.part(index, parts, json.loads(states[done]))
            following = items[done + 1 : done + 6]
            assert [bits(next(resumed)) for _ in following] == following


def test_a_file_damaged_since_the_state_costs_its_rows_only(numbered: Path) -> None:
    mixture = make_mixture(numbered, shuffle_rows=4)
    names = take(mixture.part(0, 1), 23)
    part = mixture.part(0, 1)
    take(part, 6)
    state = json.loads(json.dumps(part.state_dict()))
    (numbered / "2.parquet").write_bytes(b"")
    resumed = make_mixture(numbered, shuffle_rows=4).part(0, 1, state)
    lost = {f"row{row}" for row in range(15, 23)}
    kept = [name for name in names[6:] if name not in lost]
    rest = take(resumed, len(kept))
    assert not lost & set(rest) and set(rest) <= {f"row{row}" for row in range(15)}
    assert resumed.state_dict()["sources"][0]["layout"]["row_groups"] == [3, 3, 3]


def test_a_stream_that_gained_a_file_is_refused(numbered: Path) -> None:
    part = make_mixture(numbered).part(0, 1)
    take(part, 5)
    (numbered / "3.parquet").write_bytes((numbered / "0.parquet").read_bytes())
    with pytest.raises(ValueError, match=r"has 4 shards, and had 3 when the run was saved.*the same files"):
        make_mixture(numbered).part(0, 1, part.state_dict())


# What a version that read one shard at a time gave for these rows with `seed=0, shuffle_rows=4`.
EARLIER = [
    17,
    16,
    18,
    15,
    21,
    20,
    19,
    22,
    7,
    9,
    10,
    8,
    13,
    11,
    14,
    12,
    1,
    2,
    0,
    3,
    5,
    4,
    6,
    17,
    18,
    16,
    15,
    22,
    20,
    21,
]


@pytest.mark.parametrize(("done", "turn", "used"), [(2, 0, 2), (9, 1, 1), (18, 2, 2)])
def test_a_state_of_an_earlier_version_is_continued_in_its_order(
    numbered: Path, done: int, turn: int, used: int
) -> None:
    place = {"epoch": 0, "turn": turn, "first_row": 0, "used": used, "shard": None, "row_in_epoch": True}
    mixture = make_mixture(numbered, shuffle_rows=4)
    mixture.seed = 0
    part = mixture.part(0, 1, {"samples": done, "sources": [place]})
    assert take(part, 5) == [f"row{row}" for row in EARLIER[done : done + 5]]
    # And once more from a state of today, which keeps that order.
    part = mixture.part(0, 1, json.loads(json.dumps(part.state_dict())))
    assert take(part, len(EARLIER) - done - 5) == [f"row{row}" for row in EARLIER[done + 5 :]]


def test_a_run_keeps_the_open_shards_it_began_with(numbered: Path) -> None:
    names = take(make_mixture(numbered, shuffle_rows=6, open_shards=2).part(0, 1), 20)
    part = make_mixture(numbered, shuffle_rows=6, open_shards=2).part(0, 1)
    take(part, 8)
    resumed = make_mixture(numbered, shuffle_rows=9, open_shards=3).part(0, 1, part.state_dict())
    assert take(resumed, 12) == names[8:]


def test_large_row_groups_leave_fewer_shards_open(numbered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_shards() -> int:
        stream = open_source({"path": str(numbered), "streaming": True})
        assert isinstance(stream, DepthStream)
        return stream.open_shards

    assert open_shards() == 16
    monkeypatch.setattr(table_files, "OPEN_SHARDS_BYTES", 10_000)
    assert 1 < open_shards() < 16
    monkeypatch.setattr(table_files, "OPEN_SHARDS_BYTES", 10)
    assert open_shards() == 1


def test_rows_without_shards_enough_for_a_turn_are_read_in_a_later_epoch(tmp_path: Path) -> None:
    """One row in each row group, and two parts: neither is left without rows, and none is read twice."""
    write_sorted_shards(tmp_path, shards=2, rows=3, group=1)
    mixture = make_mixture(tmp_path)
    names = [name for part in range(4) for name in take(mixture.part(part, 4), 1)]
    assert len(set(names)) == 4


def test_wrong_numbers_are_told(numbered: Path) -> None:
    with pytest.raises(ValueError, match="open_shards must be at least 1, got 0"):
        make_mixture(numbered, open_shards=0)
    with pytest.raises(ValueError, match="open_shards is for streams; set streaming: true"):
        open_source({"path": str(numbered), "open_shards": 4})
