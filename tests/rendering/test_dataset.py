# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rendered folders: the same bytes however they are made, resumable, readable by `datasets`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import datasets
import numpy as np
import pytest

from depth_anything_hf.rendering.dataset import render_dataset


pytest.importorskip("mitsuba", reason="rendering needs the extra depth_anything_hf[render]")


SMALL: dict[str, Any] = {"height": 24, "width": 32, "samples_per_pixel": 1, "progress": False}


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]


def read_depth(path: Path) -> np.ndarray:
    depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert depth is not None
    return depth


@pytest.mark.parametrize("family", ["varied", "hazy-rooms"])
def test_same_bytes_with_one_and_two_processes(tmp_path: Path, family: Any) -> None:
    alone = render_dataset(tmp_path / "alone", family=family, count=5, views_per_scene=2, **SMALL)
    together = render_dataset(tmp_path / "together", family=family, count=5, views_per_scene=2, processes=2, **SMALL)
    assert digests(alone) == digests(together)
    rows = records(alone)
    assert [row["file_name"] for row in rows] == [f"images/{index:06d}.png" for index in range(5)]
    assert [(row["scene"], row["view"]) for row in rows] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    assert len({digest for name, digest in digests(alone).items() if name.startswith("images")}) == 5


def test_folder_is_an_imagefolder_with_exact_depth(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "renders", count=2, kinds=["street"], **SMALL)
    table = datasets.load_dataset(
        "imagefolder", data_dir=str(folder), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(table) == 2
    for index, row in enumerate(table):
        depth = read_depth(folder / f"depth/{index:06d}.tiff")
        assert depth.dtype == np.float32 and depth.shape == (24, 32)
        np.testing.assert_array_equal(np.asarray(row["depth"]), depth)
        assert np.asarray(row["image"]).shape == (24, 32, 3)
        assert row["kind"] == "street" and row["cx"] == 15.5 and row["cy"] == 11.5


def test_sky_is_infinitely_far(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "renders", count=3, kinds=["street", "nature"], **SMALL)
    depths = np.stack([read_depth(path) for path in sorted(folder.glob("depth/*.tiff"))])
    assert not np.isnan(depths).any() and (depths > 0).all()
    upper, lower = np.isposinf(depths[:, :6]), np.isposinf(depths[:, -6:])
    assert upper.mean() > 0.2 and lower.mean() < 0.02
    assert np.isfinite(depths).mean() > 0.4


def test_resume_renders_only_what_is_missing(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"family": "hazy-rooms", "views_per_scene": 2, **SMALL}
    folder = render_dataset(tmp_path / "renders", count=4, **arguments)
    complete = digests(folder)
    times = {name: (folder / name).stat().st_mtime_ns for name in complete if name.startswith(("images", "depth"))}
    (folder / "images/000001.png").unlink()
    (folder / "depth/000002.tiff").unlink()
    lines = (folder / "metadata.jsonl").read_text().splitlines(keepends=True)
    (folder / "metadata.jsonl").write_text("".join(lines[:3]) + lines[3][:20])
    render_dataset(folder, count=4, **arguments)
    assert digests(folder) == complete
    untouched = {"images/000000.png", "depth/000000.tiff"}
    assert all((folder / name).stat().st_mtime_ns == times[name] for name in untouched)
    assert all((folder / name).stat().st_mtime_ns > times[name] for name in ("images/000001.png", "images/000003.png"))

    larger = render_dataset(folder, count=5, **arguments)
    fresh = render_dataset(tmp_path / "fresh", count=5, **arguments)
    assert digests(larger) == digests(fresh)


def test_a_killed_run_leaves_no_process_behind(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from depth_anything_hf.rendering.dataset import render_dataset\n"
        "if __name__ == '__main__':\n"
        f"    render_dataset({str(tmp_path / 'killed')!r}, family='hazy-rooms', count=400, processes=2,\n"
        "        height=24, width=32, samples_per_pixel=1, progress=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("killed/images/*.png")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
        # The renderers hold the other end of this pipe, so it closes when the last of them is gone.
        process.communicate(timeout=30)
    assert len(list(tmp_path.glob("killed/images/*.png"))) < 400


def test_other_arguments_into_the_same_folder_are_refused(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "renders", family="hazy-rooms", count=1, **SMALL)
    before = digests(folder)
    with pytest.raises(ValueError, match="seed was 0, now 1"):
        render_dataset(folder, family="hazy-rooms", count=1, seed=1, **SMALL)
    with pytest.raises(ValueError, match="family was 'hazy-rooms'"):
        render_dataset(folder, count=1, **SMALL)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "text.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"no render\.json"):
        render_dataset(tmp_path / "notes", count=1, **SMALL)
    with pytest.raises(NotADirectoryError, match="is a file; choose another one"):
        render_dataset(tmp_path / "notes" / "text.txt" / "renders", count=1, **SMALL)
    for text in ("[]", "no JSON", '{"seed": 0}'):
        (tmp_path / "notes" / "render.json").write_text(text)
        with pytest.raises(ValueError, match="not as `render` writes it"):
            render_dataset(tmp_path / "notes", count=1, **SMALL)
        assert (tmp_path / "notes" / "render.json").read_text() == text
    assert digests(folder) == before


def test_what_the_user_has_added_stays(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"family": "hazy-rooms", **SMALL}
    folder = render_dataset(tmp_path / "renders", count=1, **arguments)
    mine = {"file_name": "images/mine.png", "note": "from my camera"}
    with (folder / "metadata.jsonl").open("a") as lines:
        lines.write(json.dumps(mine) + "\n")
    (folder / "images" / "mine.png").write_bytes(b"x")
    (folder / "images" / "000001.png").write_bytes(b"y")
    with pytest.raises(FileExistsError, match=r"images.000001\.png: already there .*; move them away"):
        render_dataset(folder, count=2, **arguments)
    (folder / "images" / "000001.png").rename(folder / "images" / "000007.png")
    render_dataset(folder, count=2, **arguments)
    assert mine in records(folder) and len(records(folder)) == 3
    assert (folder / "images" / "000007.png").read_bytes() == b"y"


def test_a_smaller_count_is_refused(tmp_path: Path) -> None:
    folder = render_dataset(tmp_path / "renders", family="hazy-rooms", count=2, **SMALL)
    with pytest.raises(ValueError, match="2 images, got count 1"):
        render_dataset(folder, family="hazy-rooms", count=1, **SMALL)


def test_haze_changes_the_image_and_not_the_depth(tmp_path: Path) -> None:
    clean = render_dataset(tmp_path / "clean", family="hazy-rooms", count=2, **SMALL)
    hazy = render_dataset(tmp_path / "hazy", family="hazy-rooms", count=2, haze=True, **SMALL)
    first, second = digests(clean), digests(hazy)
    for index in range(2):
        assert first[f"images/{index:06d}.png"] != second[f"images/{index:06d}.png"]
        assert first[f"depth/{index:06d}.tiff"] == second[f"depth/{index:06d}.tiff"]
    densities = [row["haze_density_per_metre"] for row in records(hazy)]
    assert len(set(densities)) == 2 and all(0.08 <= density <= 0.35 for density in densities)


def test_scene_numbers_make_disjoint_splits(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"family": "hazy-rooms", "views_per_scene": 2, **SMALL}
    both = digests(render_dataset(tmp_path / "both", count=4, **arguments))
    second = render_dataset(tmp_path / "second", count=2, first_scene=1, depth=False, **arguments)
    assert not (second / "depth").exists()
    assert all("depth_file_name" not in row and row["scene"] == 1 for row in records(second))
    for index in range(2):
        assert digests(second)[f"images/{index:06d}.png"] == both[f"images/{index + 2:06d}.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "rooms"}, "family must be one of"),
        ({"kinds": ["beach"]}, "kinds must be some of"),
        ({"family": "hazy-rooms", "kinds": ["room"]}, "cannot be combined with family='hazy-rooms'"),
        ({"count": 0}, "count must be at least 1"),
        ({"processes": 0}, "processes must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        render_dataset(tmp_path / "renders", **{"count": 1, **SMALL, **arguments})
    assert not (tmp_path / "renders").exists()
