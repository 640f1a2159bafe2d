# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every public dataset in its own layout: the convention of samples, and what is told when something is wrong."""

from __future__ import annotations

import json
import pathlib
import pickle

import numpy as np
import pytest
from PIL import Image
from public_datasets import HEIGHT, INVALID, RGB, SKY, WIDTH, WRITERS, names_of, quiet_about_cameras, write_diode

from depth_anything_hf.data import public
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError
from depth_anything_hf.data.public.catalog import PUBLIC_DATASETS, describe_public, open_public


def test_every_file_of_a_data_set_is_in_the_table() -> None:
    tools = {"__init__", "captures", "catalog", "check", "formats", "frames", "sens", "spec"}
    files = {path.stem for path in pathlib.Path(public.__file__).parent.glob("*.py")} - tools
    assert {entry.opener.__module__.rsplit(".", 1)[1] for entry in PUBLIC_DATASETS.values()} == files
    assert list(PUBLIC_DATASETS) == list(WRITERS)


def test_every_data_set_states_what_a_user_must_know() -> None:
    guide = (pathlib.Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
    stated = ("title", "label", "unit", "license", "citation", "homepage", "layout", "verified")
    for row in describe_public():
        assert all(row[key] for key in stated), row
        assert f"| `{row['name']}` | [{row['title']}]({row['homepage']}) | {row['license']} |" in guide, row["name"]
        section = guide.split(f"### {row['name']}\n", 1)[1].split("\n### ", 1)[0]
        assert all(row[key] in section for key in ("citation", "layout", "unit", "verified", "traps")), row["name"]
    for entry in PUBLIC_DATASETS.values():
        assert entry.default_split is None or entry.default_split in entry.splits


@quiet_about_cameras
@pytest.mark.parametrize("name", WRITERS)
def test_samples_keep_the_convention(name: str, roots: dict[str, pathlib.Path]) -> None:
    samples = pickle.loads(pickle.dumps(open_public(name, roots[name])))
    label = None if PUBLIC_DATASETS[name].label == "pairs" else PUBLIC_DATASETS[name].label
    assert samples.label == label and len(samples) > 0
    names = names_of(samples)
    assert len(set(names)) == len(names) and not any(str(roots[name]) in found for found in names)
    sample = samples[0]
    assert sample["image"].shape == (HEIGHT, WIDTH, 3) and sample["image"].dtype == np.uint8
    assert ("depth" in sample) + ("disparity" in sample) == (label is not None)
    if label is not None:
        assert sample[label].dtype == np.float32 and np.isnan(sample[label][INVALID])
        assert (sample[label][1:] > 0).all()
    if "intrinsics" in sample:
        assert sample["intrinsics"].shape == (3, 3) and sample["intrinsics"].dtype == np.float64
        sample["intrinsics"][:] = 0
        assert samples[0]["intrinsics"].any()


@pytest.mark.parametrize("name", WRITERS)
def test_a_wrong_root_says_what_the_layout_should_be(name: str, tmp_path: pathlib.Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(FileNotFoundError) as caught:
            open_public(name, root)
        message = str(caught.value)
        assert str(root) in message and PUBLIC_DATASETS[name].homepage in message
        assert all(line in message for line in PUBLIC_DATASETS[name].layout.splitlines())


@quiet_about_cameras
@pytest.mark.parametrize("name", [name for name in WRITERS if name != "nyu"])
def test_a_missing_picture_is_told_on_opening(name: str, tmp_path: pathlib.Path) -> None:
    WRITERS[name](tmp_path)
    picture = pathlib.Path(open_public(name, tmp_path).frames[0].files[0])  # type: ignore[attr-defined]
    if name == "diode":
        # Its images say which frames there are.
        picture = picture.with_name(f"{picture.stem}_depth.npy")
    if name == "7scenes":
        picture = picture.with_name("frame-000000.depth.png")
    if name == "scannetpp":
        picture = picture.parents[1] / "depth" / "frame_000000.png"
    picture.unlink()
    with pytest.raises(FileNotFoundError, match=r"1 file of .* is missing") as caught:
        open_public(name, tmp_path)
    assert str(picture) in str(caught.value)


@quiet_about_cameras
@pytest.mark.parametrize("name", [name for name in WRITERS if name != "da-2k"])
def test_a_damaged_label_is_told_with_its_name(name: str, tmp_path: pathlib.Path) -> None:
    WRITERS[name](tmp_path)
    samples = open_public(name, tmp_path)
    label = pathlib.Path(samples.frames[0].files[-1])  # type: ignore[attr-defined]
    label.write_bytes(label.read_bytes()[:20])
    with pytest.raises(UnreadableImageError) as caught:
        samples[0]
    assert label.name in str(caught.value)


def test_missing_files_are_listed_ten_at_a_time(tmp_path: pathlib.Path) -> None:
    annotations: dict[str, list] = {f"images/indoor/{number:02d}.png": [] for number in range(25)}
    (tmp_path / "annotations.json").write_text(json.dumps(annotations))
    with pytest.raises(FileNotFoundError, match="25 files of DA-2K are missing") as caught:
        open_public("da-2k", tmp_path)
    message = str(caught.value)
    assert "09.png" in message and "10.png" not in message and "and 15 more" in message


def test_wrong_choices_are_told(roots: dict[str, pathlib.Path]) -> None:
    with pytest.raises(ValueError, match=r"'hypersin'.*did you mean 'hypersim'"):
        open_public("hypersin", roots["hypersim"])
    with pytest.raises(ValueError, match="DIODE has no split 'test'; set split to one of train, val"):
        open_public("diode", roots["diode"], "test")
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        open_public("diode", roots["diode"], limit=0)
    with pytest.raises(ValueError, match="DIODE has no option 'list_file'; its options are environment"):
        open_public("diode", roots["diode"], list_file="x")


def test_options_may_be_text_and_single_values(roots: dict[str, pathlib.Path]) -> None:
    # As a flag or a recipe writes them.
    few = open_public("tartanair-v2", roots["tartanair-v2"], cameras="lcam_front", sky_depth_metres="1e4")
    assert len(few) == 1 and np.isinf(few[0]["depth"][SKY])
    # A name is no part of another one.
    with pytest.raises(FileNotFoundError, match="no sample"):
        open_public("tartanair-v2", roots["tartanair-v2"], environments="Hospital_2")
    assert len(open_public("spring", roots["spring"], cameras="left")) == 1
    assert len(open_public("sunrgbd", roots["sunrgbd"], sensors="xtion", filled="no")) == 1
    assert len(open_public("polycam", roots["polycam"], every="2", min_confidence="1", corrected="true")) == 1
    left = open_public("unrealstereo4k", roots["unrealstereo4k"], cameras="0")
    assert all("/Image0/" in name for name in names_of(left))
    assert not np.isinf(open_public("urbansyn", roots["urbansyn"], sky="false")[0]["depth"]).any()
    assert "intrinsics" not in open_public("carla", roots["carla"], fov="none")[0]
    with pytest.raises(ValueError, match=r"cameras must be one of \[0, 1\], got 2"):
        open_public("unrealstereo4k", roots["unrealstereo4k"], cameras=2)
    with pytest.raises(ValueError, match="fov must be a number, got 'wide'"):
        open_public("carla", roots["carla"], fov="wide")


def test_limit_and_max_depth(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("vkitti2", roots["vkitti2"], limit=1, max_depth=5.0)
    depth = samples[0]["depth"]
    assert len(samples) == 1 and np.isinf(depth[SKY]) and np.nanmax(depth[np.isfinite(depth)]) <= 5


def test_a_picture_of_another_size_than_its_label_is_told(tmp_path: pathlib.Path) -> None:
    write_diode(tmp_path)
    picture = tmp_path / "val/indoors/scene_00019/scan_00183/00019_00183.png"
    Image.fromarray(RGB[:4]).save(picture)
    with pytest.raises(BrokenSampleError, match=r"00019_00183.png is 4 x 8 .*_depth.npy is 6 x 8"):
        open_public("diode", tmp_path, environment="indoors")[0]
