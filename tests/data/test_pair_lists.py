# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metadata and text lists that pair images with labels."""

from __future__ import annotations

import json
import os
import pathlib

import datasets
import numpy as np
import pytest
from sample_files import write_pairs

from depth_anything_hf.data.sources import open_source


@pytest.fixture
def root(tmp_path: pathlib.Path, rgb: np.ndarray, depth: np.ndarray) -> pathlib.Path:
    write_pairs(tmp_path, rgb, depth, ["a", "b c"])
    (tmp_path / "images").rename(tmp_path / "left")
    (tmp_path / "depth").rename(tmp_path / "depth-maps")
    return tmp_path


def test_metadata_as_csv_and_parquet(root: pathlib.Path, depth: np.ndarray) -> None:
    metadata = root / "metadata.csv"
    metadata.write_text('\ufefffile_name,depth_file_name,text\nleft/b c.png,depth-maps/b c.npy,"one, two"\n')
    opened = open_source({"path": str(root), "label": "depth"})
    assert len(opened) == 1 and np.array_equal(opened[0]["depth"], depth)
    assert len(open_source({"path": str(root), "kind": "photos"})) == 1
    metadata.write_text("file_name,depth_file_name\nleft/a.png,depth-maps/a.npy,more\n")
    with pytest.raises(ValueError, match="line 2: expected 2 fields as in the header"):
        open_source({"path": str(root), "label": "depth"})
    metadata.unlink()
    rows = {"file_name": ["left/a.png"], "depth_file_name": ["depth-maps/a.npy"]}
    datasets.Dataset.from_dict(rows).to_parquet(root / "metadata.parquet")
    assert np.array_equal(open_source({"path": str(root)})[0]["depth"], depth)


@pytest.mark.parametrize(
    "line",
    [
        "left/a.png depth-maps/a.npy",
        "/left/a.png /depth-maps/a.npy 518.8579",
        "left/b c.png\tdepth-maps/b c.npy",
        "left/a.png, depth-maps/a.npy",
        "left/b c.png depth-maps/b c.npy",
        "left/b c.png depth-maps/b c.npy 721.5",
        "{root}/left/a.png {root}/depth-maps/a.npy",
    ],
)
@pytest.mark.parametrize("place", ["pairs.txt", "lists/train_files.txt"])
def test_a_list_of_pairs(root: pathlib.Path, depth: np.ndarray, line: str, place: str) -> None:
    path = root / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"# image label\n\n{line.format(root=root)}\nleft/a.png None 518.8\n")
    for source in ({"path": str(path)}, {"path": str(path), "label": "depth"}, {"path": str(root)}):
        if source["path"] == str(root) and path.parent != root:
            continue
        with pytest.warns(UserWarning, match="1 of 2 lines have no label and are skipped"):
            opened = open_source(source)
        assert opened.label == "depth" and len(opened) == 1 and np.array_equal(opened[0]["depth"], depth)
    assert len(open_source({"path": str(path), "kind": "photos"})) == 2


def test_a_list_without_labels_or_with_missing_files(root: pathlib.Path) -> None:
    path = root / "list.txt"
    path.write_text("left/a.png\nleft/b c.png\n")
    assert open_source(path).label is None and len(open_source(path)) == 2
    with pytest.raises(ValueError, match="expected lines of an image and its label"):
        open_source({"path": str(path), "label": "depth"})
    path.write_text("left/a.png depth-maps/a.npy\nleft/x.png depth-maps/x.npy\n")
    with pytest.raises(FileNotFoundError, match="line 2: expected an image and its label"):
        open_source({"path": str(path), "label": "depth"})
    path.write_text("left/a.png left/b c.png\n")
    assert open_source(path).label is None


def test_a_list_whose_names_do_not_tell_needs_a_label(root: pathlib.Path, depth: np.ndarray) -> None:
    (root / "depth-maps").rename(root / "right")
    (root / "list.txt").write_text("left/a.png right/a.npy\n")
    with pytest.raises(ValueError, match=r"right/a\.npy does not tell depth from disparity; set label"):
        open_source(root / "list.txt")
    opened = open_source({"path": str(root), "label": "disparity"})
    assert np.array_equal(opened[0]["disparity"], depth)
    # The nearest name counts, and no name above the list.
    (root / "depth" / "disparity").mkdir(parents=True)
    (root / "right" / "a.npy").rename(root / "depth" / "disparity" / "depth.npy")
    (root / "list.txt").write_text("left/a.png depth/disparity/depth.npy\n")
    assert open_source(root / "list.txt").label == "disparity"
    (root / "depth" / "list.txt").write_text("../left/a.png disparity/depth.npy\n")
    assert open_source(root / "depth" / "list.txt").label == "disparity"


def test_names_of_a_list_need_not_be_utf_8(root: pathlib.Path, depth: np.ndarray) -> None:
    folder = os.fsencode(root)
    os.rename(folder + b"/left/a.png", folder + b"/left/\xe9.png")
    (root / "list.txt").write_bytes(b"left/\xe9.png depth-maps/a.npy\n")
    assert np.array_equal(open_source({"path": str(root), "label": "depth"})[0]["depth"], depth)


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_metadata_of_anything_else_hides_no_pictures(root: pathlib.Path, depth: np.ndarray, name: str) -> None:
    content = {
        "metadata.csv": "id,caption\na,a room\nb,many, words\n",
        "metadata.jsonl": '{"id": "a", "caption": ""}\n',
    }
    for folder in (root, root / "left"):
        (folder / name).write_text(content[name])
    with pytest.warns(UserWarning, match=r"has no key file_name and is not read; its keys are \['id', 'caption'\]"):
        assert len(open_source({"path": str(root / "left"), "kind": "photos"})) == 2
    (root / "left" / name).write_text("")
    with pytest.raises(ValueError, match="no rows; expected file_name in each, or no such file"):
        open_source({"path": str(root / "left"), "kind": "photos"})
    (root / "left").rename(root / "images")
    with pytest.warns(UserWarning, match="is not read"):
        assert np.array_equal(open_source({"path": str(root), "label": "depth"})[1]["depth"], depth)


def test_metadata_without_labels_leaves_them_to_the_folders(root: pathlib.Path) -> None:
    (root / "left").rename(root / "images")
    (root / "metadata.jsonl").write_text('{"file_name": "images/a.png", "text": "a room"}\n')
    with pytest.warns(UserWarning, match="has no key depth_file_name; all pairs of equal names"):
        assert len(open_source({"path": str(root), "label": "depth"})) == 2
    (root / "images").rename(root / "left")
    with pytest.raises(ValueError, match=r"expected the key 'depth_file_name', got the keys \['file_name', 'text'\]"):
        open_source({"path": str(root), "label": "depth"})


@pytest.mark.parametrize(
    "name",
    [
        "a\0b.png",
        pytest.param(
            "\ud83d.png", marks=pytest.mark.skipif(os.name == "nt", reason="Windows takes halves of letters")
        ),
        5,
        ["left/a.png"],
    ],
)
@pytest.mark.parametrize("kind", ["folder", "photos"])
def test_what_is_no_name_of_a_file_is_refused_by_its_line(root: pathlib.Path, kind: str, name: object) -> None:
    rows = [{"file_name": "left/a.png", "depth_file_name": "depth-maps/a.npy"}]
    rows += [{"file_name": name, "depth_file_name": "depth-maps/a.npy"}]
    (root / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(ValueError, match=r"metadata\.jsonl, line 2: expected the name of a file, got "):
        open_source({"path": str(root), "kind": kind})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_metadata_with_other_separators_is_refused(root: pathlib.Path, encoding: str) -> None:
    separator = ";" if encoding == "utf-8" else ","
    text = f"file_name{separator}depth_file_name\nleft/a.png{separator}depth-maps/a.npy\n"
    (root / "metadata.csv").write_bytes(text.encode(encoding))
    with pytest.raises(ValueError, match="expected UTF-8 text with commas between the fields, got the header"):
        open_source({"path": str(root)})


@pytest.mark.parametrize("header", ["", "image,depth\n"])
def test_a_csv_of_pairs(root: pathlib.Path, depth: np.ndarray, header: str) -> None:
    (root / "train.csv").write_text(f'{header}left/a.png,depth-maps/a.npy\n"left/b c.png","depth-maps/b c.npy"\n')
    for path in (root, root / "train.csv"):
        opened = open_source(str(path))
        assert opened.label == "depth" and len(opened) == 2 and np.array_equal(opened[1]["depth"], depth)


def test_pairs_whose_names_are_times(root: pathlib.Path, depth: np.ndarray) -> None:
    for kind, start in (("rgb", 1), ("depth", 1.01)):
        (root / {"rgb": "left", "depth": "depth-maps"}[kind]).rename(root / kind)
        for number, file in enumerate(sorted((root / kind).iterdir())):
            file.rename(root / kind / f"{start + number}{file.suffix}")
    with pytest.raises(ValueError, match="name their pairs in a text list"):
        open_source({"path": str(root), "label": "depth"})
    (root / "associations.txt").write_text("# of associate.py\n1 rgb/1.png 1.01 depth/1.01.npy\n")
    for source in ({"path": str(root)}, {"path": str(root / "associations.txt"), "label": "depth"}):
        opened = open_source(source)
        assert len(opened) == 1 and np.array_equal(opened[0]["depth"], depth)


def test_lists_of_splits_divide_pairs_of_folders(root: pathlib.Path) -> None:
    (root / "left").rename(root / "rgb")
    (root / "depth-maps").rename(root / "depth")
    (root / "train.txt").write_text("rgb/a.png depth/a.npy\n")
    (root / "test_files.txt").write_text("rgb/b c.png\tdepth/b c.npy\n")
    for split, name in (("train", "a.png"), ("test", "b c.png")):
        opened = open_source({"path": str(root), "label": "depth", "split": split})
        assert [pathlib.Path(opened.name_of(i)).name for i in range(len(opened))] == [name]
    with pytest.raises(ValueError, match="no split 'validation'"):
        open_source({"path": str(root), "label": "depth", "split": "validation"})
