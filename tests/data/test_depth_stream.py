# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Streams of tar and JSON files, and cells that refer to files elsewhere."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sample_files import colour_ramp, depth_ramp, png_bytes, write_pairs

from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture, StreamPart
from depth_anything_hf.data.transforms import TrainingTransform


RGB = colour_ramp()


def open_stream(path: Path, **options: Any) -> DepthStream:
    stream = open_source({"path": str(path), "streaming": True, **options})
    assert isinstance(stream, DepthStream)
    return stream


def take(part: StreamPart, count: int) -> list[str]:
    return [next(part)["name"] for _ in range(count)]


def test_tar_shards_are_streamed(tmp_path: Path) -> None:
    depth = (depth_ramp() * 1000).astype(np.uint16)
    picture = io.BytesIO()
    Image.fromarray(RGB).save(picture, "JPEG", quality=95)
    for shard in range(2):
        with tarfile.open(tmp_path / f"shard-{shard}.tar", "w") as tar:
            for row in range(4):
                for suffix, content in (("jpg", picture.getvalue()), ("depth.png", png_bytes(depth))):
                    entry = tarfile.TarInfo(f"{shard}-{row}.{suffix}")
                    entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content))
    options = {"label": "depth", "label_column": "depth.png", "scale": 1000}
    stream = open_stream(tmp_path, **options)
    assert stream.label == "depth" and stream.shard_count == 2
    sample = stream.read(next(iter(stream.shard(1))), 1, 0)
    assert sample["name"] == "1-0" and np.allclose(sample["depth"], depth / 1000)
    mixture = StreamingMixture([stream], TrainingTransform(14, target="depth"), shuffle_rows=3)
    part = mixture.part(0, 1)
    names = take(part, 3)
    state = part.state_dict()
    names += take(part, 5)
    assert sorted(names) == [f"{shard}-{row}" for shard in range(2) for row in range(4)]
    assert take(mixture.part(0, 1, state), 5) == names[3:]


@pytest.mark.parametrize("suffix", ["depth.npz", "depth.npy", "depth.pfm"])
def test_tar_shards_are_the_same_whole_and_streamed(tmp_path: Path, table_cache: None, suffix: str) -> None:
    depth, stream = depth_ramp(), io.BytesIO()
    if suffix == "depth.npz":
        np.savez(stream, depth=depth, confidence=depth * 0, name="a name")
    elif suffix == "depth.npy":
        np.save(stream, depth)
    else:
        header = f"Pf\n{depth.shape[1]} {depth.shape[0]}\n-1\n".encode()
        stream.write(header + depth[::-1].astype("<f4").tobytes())
    root = tmp_path / "tars"
    root.mkdir()
    with tarfile.open(root / "a.tar", "w") as tar:
        for row in range(2):
            for part, content in (("png", png_bytes(RGB)), (suffix, stream.getvalue())):
                entry = tarfile.TarInfo(f"sub/{row}.{part}")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    options = {"label": "depth", "label_column": suffix}
    whole, streamed = open_source({"path": str(root), **options}), open_stream(root, **options)
    samples = [streamed.read(row, 0, index) for index, row in enumerate(streamed.shard(0))]
    assert [sample["name"] for sample in samples] == ["sub/0", "sub/1"]
    assert [whole[index]["name"] for index in range(2)] == [whole.name_of(index) for index in range(2)]
    for index, sample in enumerate(samples):
        assert whole[index]["name"] == sample["name"]
        assert np.array_equal(whole[index]["depth"], depth)
        assert np.array_equal(sample["depth"], depth)
    mixture = StreamingMixture([streamed], TrainingTransform(14, target="depth"), shuffle_rows=2)
    assert sorted(take(mixture.part(0, 1), 2)) == ["sub/0", "sub/1"]


def test_json_streams_and_cells_that_refer_to_files(tmp_path: Path) -> None:
    """The columns of JSON are known from its first row; images on a Hub come as URLs."""
    write_pairs(tmp_path, RGB, depth_ramp(), ["a"])
    row = {"image": "images/a.png", "depth": depth_ramp().tolist()}
    (tmp_path / "rows").mkdir()
    shutil.copytree(tmp_path / "images", tmp_path / "rows" / "images")
    (tmp_path / "rows" / "train.jsonl").write_text(json.dumps(row) + "\n")
    stream = open_stream(tmp_path / "rows", kind="table")
    sample = stream.read(next(iter(stream.shard(0))), 0, 0)
    assert np.array_equal(sample["image"], RGB) and np.array_equal(sample["depth"], depth_ramp())
    cell = {"bytes": None, "path": (tmp_path / "images" / "a.png").as_uri()}
    sample = stream.read({"image": cell, "depth": row["depth"]}, 0, 0)
    assert np.array_equal(sample["image"], RGB)
