# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Of animations and files of several pages the first is read, and every way to read them says so."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image
from sample_files import depth_ramp, png_bytes, write_pairs, write_tar_members

from depth_anything_hf.data.decoding.images import IMAGE_SUFFIXES, read_image
from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.further_frames import has_further_frames
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.inference.prediction_sources import find_image_files


# Suffix -> what Pillow calls the format of several pictures.
KINDS = {".gif": "GIF", ".png": "PNG", ".webp": "WEBP", ".tiff": "TIFF", ".jpg": "MPO"}
KINDS |= {".avif": "AVIF"} if ".avif" in IMAGE_SUFFIXES else {}
KINDS |= {".heic": "HEIF"} if ".heic" in IMAGE_SUFFIXES else {}


def frames(kind: str, count: int) -> bytes:
    pictures = [Image.fromarray(np.full((64, 64, 3), brightness, np.uint8)) for brightness in (0, 90, 200)[:count]]
    stream = io.BytesIO()
    pictures[0].save(stream, kind, save_all=True, append_images=pictures[1:])
    return stream.getvalue()


@pytest.mark.parametrize("suffix", KINDS)
def test_the_first_is_read_and_the_others_are_told(tmp_path: Path, suffix: str) -> None:
    write_pairs(tmp_path, np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), np.float32), ["a", "b"])
    content = frames(KINDS[suffix], 3)
    assert has_further_frames(content) and read_image(content).max() < 3
    assert not has_further_frames(frames(KINDS[suffix], 1))
    (tmp_path / "images" / "a.png").unlink()
    (tmp_path / "images" / f"a{suffix}").write_bytes(content)
    pattern = rf": 1 \{suffix} with several frames or pages, e\.g\. .*a\{suffix}: only the first is read"
    for path in (tmp_path, tmp_path / "images", tmp_path / "images" / f"a{suffix}"):
        with pytest.warns(UserWarning, match=pattern):
            open_source(path)
        with pytest.warns(UserWarning, match=pattern):
            find_image_files([path / "images" if path == tmp_path else path])
    (tmp_path / "list.txt").write_text(f"images/a{suffix} depth/a.npy\nimages/b.png depth/b.npy\n")
    for options in ({"label": "depth"}, {"kind": "photos"}):
        with pytest.warns(UserWarning, match=pattern):
            open_source({"path": str(tmp_path / "list.txt"), **options})


@pytest.mark.parametrize("form", ["tar", "parquet", "saved", "jsonl"])
def test_tables_tell_the_first_of_them(tmp_path: Path, table_cache: None, form: str) -> None:
    contents = [png_bytes(np.zeros((64, 64, 3), np.uint8)), frames("PNG", 3), frames("PNG", 2)]
    options: dict[str, Any] = {}
    root = tmp_path / "source"
    if form == "tar":
        write_tar_members(root / "a.tar", {f"{number}.png": content for number, content in enumerate(contents)})
    elif form == "jsonl":
        root.mkdir()
        for number, content in enumerate(contents):
            (root / f"{number}.bin").write_bytes(content)
        (root / "a.jsonl").write_text("".join(f'{{"image": "{number}.bin"}}\n' for number in range(3)))
    else:
        cells = [{"bytes": content, "path": None} for content in contents]
        table = datasets.Dataset.from_dict({"image": cells}, features=datasets.Features(image=datasets.Image()))
        if form == "saved":
            table.save_to_disk(root)
        else:
            root.mkdir()
            table.to_parquet(root / "a.parquet")
    opened = open_source({"path": str(root), **options})
    with pytest.warns(UserWarning, match="an animation, or several pages: only the first is read") as told:
        samples = [opened[index] for index in range(3)]
    assert len(told) == 1 and "row 1" in str(told[0].message) and all(sample["image"].max() == 0 for sample in samples)
    if form == "saved":
        return
    stream = open_source({"path": str(root), "streaming": True})
    assert isinstance(stream, DepthStream)
    with pytest.warns(UserWarning, match="row 1 of shard 0 .*an animation, or several pages") as told:
        [stream.read(row, 0, index) for index, row in enumerate(stream.shard(0))]
    assert len(told) == 1


def test_smaller_copies_are_no_pages(tmp_path: Path) -> None:
    """A thumbnail of a TIFF is a page of its own, which says what it is."""
    stream = io.BytesIO()
    large, small = (Image.fromarray(np.zeros((side, side, 3), np.uint8)) for side in (32, 8))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    large.save(stream, "TIFF", save_all=True, append_images=[small])
    assert Image.open(stream).n_frames == 2 and not has_further_frames(stream.getvalue())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (tmp_path / "a.tiff").write_bytes(stream.getvalue())
        open_source(tmp_path)
    assert not has_further_frames(b"no picture") and not has_further_frames(depth_ramp().tobytes())
