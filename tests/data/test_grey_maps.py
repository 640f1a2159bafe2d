# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth maps with 8 bits are found by names and by what lies beside them; grey photographs are taken."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data import grey_maps
from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.decoding.limits import picture_mode
from depth_anything_hf.data.grey_maps import PARTS_OF_LABEL_NAMES
from depth_anything_hf.data.layout_names import _FURTHER_WORDS, LABEL_NAMES
from depth_anything_hf.inference.prediction_sources import find_image_files


RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 255, (20, 30, 3), np.uint8)
GREY = COLOUR[..., 0]
MAP = np.repeat(np.arange(0, 200, 10, dtype=np.uint8)[:, None], 30, axis=1)


def write(root: Path, *pictures: tuple[str, np.ndarray]) -> None:
    for name, picture in pictures:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(root / name)


def to_label(root: Path) -> list[str]:
    return [Path(name).relative_to(root).as_posix() for name in PhotoFolder(root).names]


def to_predict(root: Path) -> list[str]:
    return [found.name for found in find_image_files([root])]


SEARCHES = pytest.mark.parametrize("search", [to_label, to_predict])
Search = Callable[[Path], list[str]]


@SEARCHES
@pytest.mark.parametrize(
    "names",
    [["0_depth.png", "1_depth.png"], ["disp-3.jpg"], ["depth_0001.png"], ["pred_depth/0.png", "a/depth/1.bmp"]],
)
def test_grey_pictures_with_names_of_depth_are_refused(tmp_path: Path, search: Search, names: list[str]) -> None:
    write(tmp_path, *((name, GREY) for name in names))
    with pytest.raises(ValueError, match=rf"all {len(names)} pictures are grey, and by their names maps.*list"):
        find_image_files([tmp_path])
    if not any("a/depth" in name for name in names):
        with pytest.raises(ValueError, match=rf"all {len(names)} pictures are grey, and by their names"):
            search(tmp_path)
    # Whoever names the files means them.
    assert len(PhotoFolder([tmp_path / name for name in names])) == len(names)
    assert len(find_image_files([tmp_path / name for name in names])) == len(names)
    write(tmp_path, ("photo.png", COLOUR))
    with pytest.warns(UserWarning, match=r"left out .*: (grey, and by their names maps|in a folder with the name)"):
        assert search(tmp_path) == ["photo.png"]


@SEARCHES
def test_the_name_of_the_folder_itself_counts(tmp_path: Path, search: Search) -> None:
    write(tmp_path / "depth", ("0.png", GREY))
    with pytest.raises(ValueError, match="all 1 pictures are grey, and by their names maps of depth"):
        search(tmp_path / "depth")
    write(tmp_path / "depth of field", ("0.png", GREY))
    assert search(tmp_path / "depth of field") == ["0.png"]


@SEARCHES
@pytest.mark.parametrize(("maps", "photos"), [("maps", "rgb"), ("out/a", "in/a"), ("gt", ".")])
def test_smooth_grey_pictures_beside_colour_of_the_same_names(
    tmp_path: Path, search: Search, maps: str, photos: str
) -> None:
    stems = [f"{number}" for number in range(5)]
    write(tmp_path, *((f"{maps}/{stem}.png", MAP) for stem in stems))
    assert len(search(tmp_path)) == 5
    write(tmp_path, *((f"{photos}/{stem}.jpg", COLOUR) for stem in stems))
    with pytest.warns(UserWarning, match=r"left out 5 \.png: grey and smooth, with the names of the pictures"):
        found = search(tmp_path)
    assert found == sorted((Path(photos) / f"{stem}.jpg").as_posix() for stem in stems)
    if photos != ".":
        with pytest.raises(ValueError, match=r"all 5 pictures are grey and smooth, with the names .*name the folder"):
            search(tmp_path / maps)


@SEARCHES
def test_grey_photographs_are_taken(tmp_path: Path, search: Search) -> None:
    """Also those of a second camera, whose names are those of the first, with a word about them."""
    write(tmp_path / "grey", ("0.png", GREY), ("1.jpg", GREY), ("display 2.png", MAP))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(search(tmp_path / "grey")) == 3
    write(tmp_path, ("image_0/0.png", GREY), ("image_2/0.png", COLOUR))
    with pytest.warns(
        UserWarning, match=r"image_0: all 1 \.png pictures are grey.* in colour in .*image_2.*name .*alone"
    ):
        assert len(search(tmp_path)) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(search(tmp_path / "image_2")) == 1


@SEARCHES
def test_grey_photographs_beside_their_16_bit_maps_are_taken(tmp_path: Path, search: Search) -> None:
    write(tmp_path / "own", ("images/0.png", MAP), ("depth/0.png", MAP.astype(np.uint16) * 20))
    # Another data set, of the same names.
    write(tmp_path, ("other/images/0.png", COLOUR))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert search(tmp_path / "own/images") in (["0.png"], ["images/0.png"])


@SEARCHES
def test_maps_of_another_suffix_in_the_folder_of_the_photographs(tmp_path: Path, search: Search) -> None:
    """As in the copy of NYU that is most often downloaded: 0.jpg in colour beside 0.png of 8 bits."""
    for scene in ("a", "b"):
        write(
            tmp_path, *((f"{scene}/{i}.jpg", COLOUR) for i in range(3)), *((f"{scene}/{i}.png", MAP) for i in range(3))
        )
    with pytest.warns(UserWarning, match=r"left out 6 \.png: grey and smooth"):
        assert search(tmp_path) == [f"{scene}/{i}.jpg" for scene in ("a", "b") for i in range(3)]
    write(tmp_path / "noisy", ("0.jpg", COLOUR), ("0.png", GREY))
    with pytest.warns(UserWarning, match=r"all 1 \.png pictures are grey.*if they are maps, move them elsewhere"):
        assert len(search(tmp_path / "noisy")) == 2


@SEARCHES
def test_coloured_maps_in_folders_named_after_labels_are_told(tmp_path: Path, search: Search) -> None:
    write(tmp_path, ("rgb/0.png", COLOUR), ("depth_vis/0.jpg", COLOUR))
    with pytest.warns(UserWarning, match=r"1 of the pictures are by their names the depth of others.*depth_vis"):
        assert len(search(tmp_path)) == 2
    write(tmp_path / "own", ("depth of field/1.png", COLOUR), ("rgb/2.png", COLOUR))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(search(tmp_path / "own")) == 2


def test_each_file_of_many_grey_folders_is_looked_at_a_few_times_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: Counter[Path] = Counter()

    def count(path: Path) -> str:
        looked[path] += 1
        return picture_mode(path)

    monkeypatch.setattr(grey_maps, "picture_mode", count)
    root = tmp_path / "sets" / "one"
    write(root, *((f"scene_{number}/0.png", GREY) for number in range(30)))
    assert len(to_label(root)) == 30
    assert len(looked) == 30 and max(looked.values()) <= 3


def test_every_name_of_labels_has_a_part_that_is_searched_for_first() -> None:
    names = {name for kind in LABEL_NAMES.values() for name in kind} | _FURTHER_WORDS
    assert all(any(part.decode() in name for part in PARTS_OF_LABEL_NAMES) for name in names)
