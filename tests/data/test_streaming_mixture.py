# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Streams: every row once per epoch, whoever reads it, and a state that any sample can be left and resumed at."""

from __future__ import annotations

import io
import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from numbers_data import SHARD_ENDS, write_numbered_shards
from sample_files import colour_ramp, depth_ramp, png_bytes, pseudo_label_table, write_pairs

from depth_anything_hf.data.datasets import DepthFolder, PhotoFolder
from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.mixture import check_first_samples
from depth_anything_hf.data.samples import SampleDataset
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture, StreamPart
from depth_anything_hf.data.transforms import TrainingTransform


RGB = colour_ramp()
ROW_NAMES = sorted(f"row{index}" for index in range(23))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shards")
    write_numbered_shards(root)
    return root


def open_stream(path: Path, **options: Any) -> DepthStream:
    stream = open_source({"path": str(path), "streaming": True, **options})
    assert isinstance(stream, DepthStream)
    return stream


def make_mixture(path: Path, **options: Any) -> StreamingMixture:
    return StreamingMixture([open_stream(path)], TrainingTransform.strong(14), **{"shuffle_rows": 4, **options})


def take(part: StreamPart, count: int) -> list[str]:
    return [next(part)["name"] for _ in range(count)]


def take_epoch(part: StreamPart, epoch: int = 0) -> list[dict[str, Any]]:
    """The rest of an epoch of the first source."""
    items: list[dict[str, Any]] = []
    while True:
        item = next(part)
        if part.state_dict()["sources"][0]["epoch"] > epoch:
            return items
        items.append(item)


def test_every_row_is_read_once_per_epoch_in_a_new_order(shards: Path) -> None:
    part = make_mixture(shards).part(0, 1)
    epochs = [take(part, 23) for _ in range(3)]
    assert all(sorted(names) == ROW_NAMES for names in epochs)
    assert len({tuple(names) for names in epochs}) == 3
    assert take(make_mixture(shards).part(0, 1), 23) == epochs[0]
    assert take(make_mixture(shards, seed=1).part(0, 1), 23) != epochs[0]
    in_file_order = sorted(epochs[0], key=lambda name: int(name.removeprefix("row")))
    assert epochs[0] != in_file_order and take(make_mixture(shards, shuffle_rows=1).part(0, 1), 23) != in_file_order


@pytest.mark.parametrize("part_count", [1, 2, 3, 5, 9, 12])
def test_parts_share_the_rows_of_an_epoch(shards: Path, part_count: int) -> None:
    """Three files serve three parts, their nine row groups nine; more parts take turns in a row group."""
    mixture = make_mixture(shards)
    assert open_stream(shards).for_parts(part_count).shard_count == (3 if part_count <= 3 else 9)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        items = [item for part in range(part_count) for item in take_epoch(mixture.part(part, part_count))]
    assert sorted(item["name"] for item in items) == ROW_NAMES
    assert any("9 shards for 12 processes times workers" in str(each.message) for each in caught) == (part_count == 12)


def test_the_augmentation_of_a_row_belongs_to_the_row(shards: Path) -> None:
    """Not to the part or the block in which it is read, but to the epoch."""

    def by_name(mixture: StreamingMixture, part_count: int, epoch: int = 0) -> dict[str, bytes]:
        start = {"epoch": epoch, "turn": 0, "first_row": 0, "used": 0, "shard": None, "row_in_epoch": False}
        parts = [mixture.part(part, part_count, {"samples": 0, "sources": [start]}) for part in range(part_count)]
        items = [item for part in parts for item in take_epoch(part, epoch)]
        return {item["name"]: item["pixel_values"].numpy().tobytes() for item in items}

    alone = by_name(make_mixture(shards), 1)
    assert by_name(make_mixture(shards), 3) == alone
    assert by_name(make_mixture(shards, shuffle_rows=2), 1) == alone
    later = by_name(make_mixture(shards), 1, epoch=1)
    assert later.keys() == alone.keys() and all(later[name] != alone[name] for name in alone)


@pytest.mark.filterwarnings("ignore:.*take turns")
def test_a_resume_at_any_sample_continues_exactly(shards: Path) -> None:
    mixture = make_mixture(shards)
    for part_count in (1, 12):
        part, names, states = mixture.part(0, part_count), [], []
        for _ in range(30):
            names.append(next(part)["name"])
            states.append(json.dumps(part.state_dict()))
        for done in range(0, 30, 1 if part_count == 1 else 7):
            resumed = mixture.part(0, part_count, json.loads(states[done]))
            assert json.dumps(resumed.state_dict()) == states[done]
            assert take(resumed, 29 - done) == names[done + 1 :]


def test_a_resume_opens_no_shard_that_was_done(shards: Path, tmp_path: Path) -> None:
    for path in shards.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    stream = open_stream(tmp_path, open_shards=1)
    mixture = StreamingMixture([stream], TrainingTransform.strong(14), shuffle_rows=4)
    names = take(mixture.part(0, 1), 23)
    part = mixture.part(0, 1)
    take(part, 17)
    done = [shard for shard in range(3) if all(f"row{row}" in names[:17] for row in range(*SHARD_ENDS[shard:][:2]))]
    assert done
    for shard in done:
        (tmp_path / f"{shard}.parquet").unlink()
    assert take(mixture.part(0, 1, part.state_dict()), 6) == names[17:]


def test_streams_and_folders_are_mixed_by_weight(shards: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path, RGB, depth_ramp(), [f"file{index}" for index in range(5)])
    sources: list[DepthStream | SampleDataset] = [open_stream(shards), DepthFolder(tmp_path)]
    mixture = StreamingMixture(
        sources, TrainingTransform(14), weights=[1, 3], shuffle_rows=4, names=["stream", "folder"]
    )
    check_first_samples(mixture)
    part, names, states = mixture.part(0, 1), [], []
    for _ in range(400):
        names.append(Path(next(part)["name"]).stem)
        states.append(json.dumps(part.state_dict()))
    from_files = [name for name in names if name.startswith("file")]
    assert 270 < len(from_files) < 330  # 300 expected, 4 standard deviations are 35
    counts = Counter(from_files)
    assert max(counts.values()) - min(counts.values()) <= 1
    resumed = mixture.part(0, 1, json.loads(states[123]))
    assert [Path(next(resumed)["name"]).stem for _ in range(50)] == names[124:174]
    halves = [mixture.part(index, 2) for index in (0, 1)]
    files = [{Path(name).stem for name in take(half, 60) if "file" in name} for half in halves]
    assert all(files)
    with pytest.raises(ValueError, match="folder has 5 samples for 6 processes times workers"):
        mixture.part(0, 6)


def test_broken_rows_are_left_out_by_name(shards: Path, tmp_path: Path) -> None:
    table = pseudo_label_table(RGB, [np.ones((6, 8), np.float32)] * 12).add_column(
        "name", [f"r{i}" for i in range(12)]
    )
    pictures = [{"bytes": b"broken" if row in (2, 3, 9) else png_bytes(RGB), "path": None} for row in range(12)]
    table = table.remove_columns("image").add_column("image", pictures).cast_column("image", datasets.Image())
    table.to_parquet(tmp_path / "rows.parquet")
    mixture = make_mixture(tmp_path)
    part, items, states = mixture.part(0, 1), [], []
    for _ in range(10):
        items.append(next(part))
        states.append(part.state_dict())
    assert sorted(item["name"] for item in items[:9]) == sorted(f"r{i}" for i in (0, 1, 4, 5, 6, 7, 8, 10, 11))
    skipped = [entry for item in items for entry in item["broken"]]
    assert {place.rsplit(", ", 1)[1] for place, _ in skipped} == {f"row {row} of shard 0" for row in (2, 3, 9)}
    assert all("not an image" in reason and str(tmp_path) in place for place, reason in skipped)
    resumed = mixture.part(0, 1, states[3])
    assert [next(resumed)["broken"] for _ in range(6)] == [item["broken"] for item in items[4:]]

    table.select([2, 3, 9] * 4).to_parquet(tmp_path / "rows.parquet")
    broken = make_mixture(tmp_path)
    with pytest.raises(ValueError, match=r"10 samples in a row.*most of the data is broken"):
        next(broken.part(0, 1))
    with pytest.raises(ValueError, match=r"^source 0: none of its first samples can be used"):
        check_first_samples(broken)


def test_a_stream_without_a_readable_row_stops(shards: Path, tmp_path: Path) -> None:
    datasets.Dataset.from_parquet(str(shards / "0.parquet"), cache_dir=str(tmp_path / "cache")).to_parquet(
        tmp_path / "0.parquet"
    )
    content = (tmp_path / "0.parquet").read_bytes()
    (tmp_path / "0.parquet").write_bytes(content[:4] + b"\xff" * 64 + content[68:])
    with pytest.raises(ValueError, match=r"no row in a whole epoch for part 0 of 1: .*shard 0 .*cannot be read"):
        next(make_mixture(tmp_path).part(0, 1))


def test_errors(shards: Path, tmp_path: Path) -> None:
    stream, transform = open_stream(shards), TrainingTransform(14)
    with pytest.raises(TypeError, match="set max_steps"):
        len(StreamingMixture([stream], transform))
    with pytest.raises(TypeError, match="set streaming: false"):
        len(stream)
    with pytest.raises(ValueError, match="at least one source"):
        StreamingMixture([], transform)
    with pytest.raises(ValueError, match="sizes of streams are unknown: give each of the 2 sources a weight"):
        StreamingMixture([stream, stream], transform)
    with pytest.raises(ValueError, match="2 positive numbers"):
        StreamingMixture([stream, stream], transform, weights=[1, 0])
    with pytest.raises(ValueError, match="shuffle_rows must be at least 1"):
        StreamingMixture([stream], transform, shuffle_rows=0)
    write_pairs(tmp_path / "pairs", RGB, depth_ramp(), ["a"])
    photos = PhotoFolder(tmp_path / "pairs" / "images")
    with pytest.raises(ValueError, match=r"labels of the sources are \['disparity', None\]"):
        StreamingMixture([stream, photos], transform, weights=[1, 1])
    mixture = StreamingMixture([stream], transform)
    with pytest.raises(ValueError, match=r"part must be in 0..1, got 2"):
        mixture.part(2, 2)
    state = mixture.part(0, 1).state_dict()
    with pytest.raises(ValueError, match="expected a state of 2 sources, got one of 1"):
        StreamingMixture([stream, stream], transform, weights=[1, 1]).part(0, 1, state)
    with pytest.raises(TypeError, match=r"streaming datasets.IterableDataset"):
        DepthStream(pseudo_label_table(RGB, [depth_ramp()]), "rows")
    with pytest.raises(ValueError, match="cannot stream"):
        open_source({"path": str(tmp_path / "pairs"), "streaming": True})
    with pytest.raises(ValueError, match="limit cannot be combined with streaming"):
        DataSource(str(shards), streaming=True, limit=3)
    with pytest.raises(ValueError, match="expected a column rgb"):
        open_source({"path": str(shards), "streaming": True, "image_column": "rgb"})
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(ValueError, match=r"empty.jsonl"):
        open_source({"path": str(tmp_path / "empty.jsonl"), "streaming": True})


def test_a_state_is_plain(shards: Path) -> None:
    part = make_mixture(shards).part(0, 1)
    take(part, 9)
    file = io.BytesIO()
    torch.save(part.state_dict(), file)
    file.seek(0)
    assert torch.load(file, weights_only=True) == json.loads(json.dumps(part.state_dict())) == part.state_dict()
