# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Large pictures are refused, and read where their user says so, in every route."""

from __future__ import annotations

import io
import math
import multiprocessing
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data.data_source import DataSource
from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.data.decoding.limits import allow_pixels, check_max_pixels, most_pixels, picture_mode
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.utils.option_errors import OptionError


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Pillow allow 2 x 1000 pixels."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """One image with 3000 pixels, and its depth."""
    for folder, dtype in (("images", np.uint8), ("depth", np.uint16)):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.full((50, 60), 200, dtype)).save(tmp_path / folder / "a.png")
    return tmp_path


def test_the_limit_is_that_of_the_one_who_reads(small_limit: None, labelled: Path) -> None:
    image, label = labelled / "images" / "a.png", labelled / "depth" / "a.png"
    for read in (read_image, lambda path: read_label(path, 100)):
        for path in (image, label):
            with pytest.raises(ValueError, match=r"3000 pixels.* limit of 2000.*--max_pixels.*MAX_IMAGE_PIXELS"):
                read(path)
            with allow_pixels(3000):
                assert read(path).shape[:2] == (50, 60)
            with allow_pixels(2999), pytest.raises(ValueError, match=r"3000 pixels are more than the limit of 2999"):
                read(path)
    assert (most_pixels(), Image.MAX_IMAGE_PIXELS) == (2000, 1000)


def test_a_limit_may_be_written_as_a_power_of_ten_and_is_whole() -> None:
    for right in (1, 1e9, None):
        check_max_pixels(right)
    for wrong in (0.0, -1e9, 2.5, math.inf, math.nan, "1e9", True):
        with pytest.raises(OptionError, match=r"max_pixels must be (a whole number of )?at least 1"):
            check_max_pixels(wrong)  # type: ignore[arg-type]


def test_a_limit_may_be_lower_than_pillows(labelled: Path) -> None:
    with allow_pixels(100):
        with pytest.raises(ValueError, match="3000 pixels are more than the limit of 100"):
            read_image(labelled / "images" / "a.png")
        with allow_pixels(None), pytest.raises(ValueError, match="limit of 100"):
            read_image(Image.new("L", (60, 50)))


def test_other_threads_keep_their_limit(small_limit: None, labelled: Path) -> None:
    found: list[Any] = []
    with allow_pixels(3000):
        thread = threading.Thread(target=lambda: found.append(most_pixels()))
        thread.start()
        thread.join()
    assert found == [2000]


class SlowFile(io.BytesIO):
    """A picture on a slow disk: the first read waits."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        self.has_begun.set()
        assert self.may_go_on.wait(20)
        return super().read(size)


def test_no_thread_reads_more_while_another_may(small_limit: None, labelled: Path) -> None:
    slow = SlowFile((labelled / "images" / "a.png").read_bytes())
    looking = threading.Thread(target=picture_mode, args=(slow,))
    looking.start()
    assert slow.has_begun.wait(20)
    found: list[Any] = []

    def read() -> None:
        try:
            found.append(read_image(labelled / "images" / "a.png"))
        except UnreadableImageError as error:
            found.append(str(error))

    reading = threading.Thread(target=read)
    reading.start()
    reading.join(0.2)
    slow.may_go_on.set()
    for thread in (looking, reading):
        thread.join(20)
    assert len(found) == 1 and "limit of 2000" in found[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_forked_process_does_not_wait_for_threads_that_it_lacks(labelled: Path) -> None:
    slow = SlowFile((labelled / "images" / "a.png").read_bytes())
    looking = threading.Thread(target=picture_mode, args=(slow,))
    looking.start()
    assert slow.has_begun.wait(20)
    threading.Timer(0.2, slow.may_go_on.set).start()
    worker = multiprocessing.get_context("fork").Process(target=read_image, args=(labelled / "images" / "a.png",))
    worker.start()
    worker.join(10)
    looking.join(20)
    exit_code = worker.exitcode
    worker.kill()
    assert exit_code == 0


def test_threads_that_look_at_pictures_leave_the_filters_of_warnings(labelled: Path) -> None:
    content = (labelled / "images" / "a.png").read_bytes()
    before, interval = list(warnings.filters), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            modes = set(threads.map(lambda _: picture_mode(io.BytesIO(content)), range(1000)))
    finally:
        sys.setswitchinterval(interval)
    assert (modes, list(warnings.filters)) == ({"L"}, before)


@pytest.mark.parametrize("kind", ["folder", "photos", "table", "stream"])
def test_sources_have_a_limit_of_their_own(small_limit: None, labelled: Path, kind: str) -> None:
    path, options = labelled, {"scale": 100.0} if kind != "photos" else {}
    if kind in ("table", "stream"):
        import datasets

        cells = {
            name: [str(labelled / folder / "a.png")] for name, folder in (("image", "images"), ("depth", "depth"))
        }
        path = labelled / "table" / "rows.parquet"
        datasets.Dataset.from_dict(cells).to_parquet(path)

    def read(max_pixels: int | None) -> Any:
        source = DataSource(
            str(path),
            kind="table" if kind == "stream" else kind,
            streaming=kind == "stream",
            max_pixels=max_pixels,
            **options,
        )
        opened: Any = open_source(source)
        return opened.read(next(iter(opened.shard(0))), 0, 0) if kind == "stream" else opened[0]

    with pytest.raises(ValueError, match="3000 pixels"):
        read(None)
    assert read(3000)["image"].shape == (50, 60, 3)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match=f"max_pixels must be at least 1, got {wrong}"):
            read(wrong)
