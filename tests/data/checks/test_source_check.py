# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Sources of every kind are looked at, on a sample, and what is advised mends a finding."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import datasets
import numpy as np
import pytest
from captured_datasets import write_scannet
from checked_scenes import scene, write_picture, write_scenes
from shared_files import SHARED_FOLDER

from depth_anything_hf.checking.sheet import rows_of
from depth_anything_hf.data.checks import source_check
from depth_anything_hf.data.checks.source_check import check_source


REAL = SHARED_FOLDER / "data" / "labelled"
FEW = 6


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("scenes") / "rooms", FEW)


def codes(check):
    return [finding.code for finding in check.findings]


def test_sound_scenes_have_no_findings_and_their_labels_fit(scenes):
    check = check_source(scenes)
    assert codes(check) == [] and check.count == FEW and not check.is_sampled
    assert check.registration.judged == FEW and check.registration.agree == check.registration.voted >= FEW - 1
    assert check.facts[0].stored_type == "float32"


def test_no_more_samples_are_read_than_are_looked_at(scenes, monkeypatch):
    read = []
    original = source_check.Reader._read_one

    def count(self, index):
        read.append(index)
        return original(self, index)

    monkeypatch.setattr(source_check.Reader, "_read_one", count)
    check = check_source(scenes, samples=2, seed=1)
    assert len(read) == len(check.facts) == 2 and check.is_sampled
    assert read[0] < FEW // 2 <= read[1]
    again = check_source(scenes, samples=2, seed=1)
    assert [each.name for each in again.facts] == [each.name for each in check.facts]


def test_millimetres_are_named_and_the_scale_mends_them(scenes, tmp_path):
    (tmp_path / "depth").mkdir()
    shutil.copytree(scenes / "images", tmp_path / "images")
    for file in (scenes / "depth").iterdir():
        cv2.imwrite(str(tmp_path / "depth" / f"{file.stem}.png"), np.rint(np.load(file) * 1000).astype(np.uint16))
    unitless = check_source(tmp_path)
    assert codes(unitless) == ["unit"] and "as mm " in unitless.findings[0].reason
    (finding,) = check_source({"path": str(tmp_path), "scale": 1}).findings
    assert (
        finding.code == "unit"
        and finding.settings == {"scale": 1000.0}
        and "most likely millimetres" in finding.reason
    )
    assert codes(check_source({"path": str(tmp_path), **finding.settings})) == []
    (inverse,) = check_source({"path": str(tmp_path), "scale": 0.001}).findings
    assert "0.001 is its inverse" in inverse.reason and inverse.settings == {"scale": 1000.0}
    (encoded,) = check_source({"path": str(tmp_path), "encoding": "scaled:per_metre=1"}).findings
    assert codes(check_source({"path": str(tmp_path), **encoded.settings})) == []


@pytest.mark.parametrize(
    ("name", "function"),
    [("numpy.fliplr(label)", np.fliplr), ("numpy.rot90(label, -1)", lambda label: np.rot90(label, -1))],
)
def test_turned_labels_are_named_and_fit_when_they_are_turned_so(name, function, scenes, tmp_path):
    undo = {"numpy.fliplr(label)": np.fliplr, "numpy.rot90(label, -1)": np.rot90}[name]
    (tmp_path / "depth").mkdir()
    shutil.copytree(scenes / "images", tmp_path / "images")
    for file in (scenes / "depth").iterdir():
        np.save(tmp_path / "depth" / file.name, undo(np.load(file)))
    (finding,) = check_source(tmp_path).findings
    assert finding.code == "registration" and name in finding.advice and len(finding.names) >= FEW - 1
    for file in (tmp_path / "depth").iterdir():
        np.save(file, function(np.load(file)))
    assert codes(check_source(tmp_path)) == []


def test_broken_and_empty_samples_are_named(scenes, tmp_path):
    root = shutil.copytree(scenes, tmp_path / "rooms")
    (root / "images" / "001.png").write_bytes(b"no picture")
    depth = np.load(root / "depth" / "002.npy")
    np.save(root / "depth" / "002.npy", np.full_like(depth, np.nan))
    depth[60:] = np.nan
    np.save(root / "depth" / "003.npy", depth)
    check = check_source(root)
    broken, empty, cut = check.findings
    assert (broken.code, empty.code, cut.code) == ("broken", "empty", "empty")
    assert broken.names[0].endswith("001.png") and "001.png" in broken.reason
    assert empty.names[0].endswith("002.png") and cut.names[0].endswith("003.png")
    assert "50% of a label at its bottom" in cut.reason
    for number in (1, 2, 3):
        (root / "images" / f"00{number}.png").unlink()
        (root / "depth" / f"00{number}.npy").unlink()
    assert codes(check_source(root)) == []


def test_copies_and_leaks_are_found_in_photographs(tmp_path):
    for seed in range(4):
        write_picture(tmp_path / "train" / f"{seed}.png", scene(seed, 144, 192)[0])
    write_picture(tmp_path / "val" / "new.png", scene(9, 144, 192)[0])
    train, val = str(tmp_path / "train"), str(tmp_path / "val")
    assert codes(check_source(train, against=val)) == []
    small = cv2.resize(scene(2, 144, 192)[0], (154, 115), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "train" / "small.jpg"), small[..., ::-1])
    shutil.copy(tmp_path / "train" / "1.png", tmp_path / "val" / "same.png")
    cv2.imwrite(str(tmp_path / "val" / "small.jpg"), small[..., ::-1])
    copies, leak = check_source(train, against=val).findings
    assert copies.code == "duplicates" and [name.rsplit("/")[-1] for name in copies.names] == ["small.jpg"]
    assert leak.code == "leak" and {name.rsplit("/")[-1] for name in leak.names} == {"same.png", "small.jpg"}
    # Files of equal content are found among all, whatever is looked at.
    (found,) = check_source(train, against=val, samples=1).findings
    assert found.code == "leak" and {name.rsplit("/")[-1] for name in found.names} == {"same.png", "small.jpg"}


def test_one_label_for_two_pictures_is_told(scenes, tmp_path):
    root = shutil.copytree(scenes, tmp_path / "rooms")
    shutil.copy(root / "depth" / "000.npy", root / "depth" / "001.npy")
    found = check_source(root).findings
    assert "same_labels" in [finding.code for finding in found]


def test_labels_of_another_unit_than_the_rest_are_told(tmp_path):
    root = write_scenes(tmp_path / "rooms", 10)
    for number in range(3):
        file = root / "depth" / f"00{number}.npy"
        np.save(file, np.load(file) * 1000)
    (finding,) = check_source(root).findings
    assert finding.code == "unit" and "3 of 10 labels" in finding.reason
    assert [name[-7:] for name in finding.names] == ["000.png", "001.png", "002.png"]


def test_exchanged_folders_are_told(scenes, tmp_path):
    shutil.copytree(scenes / "images", tmp_path / "depth")
    for file in (scenes / "depth").iterdir():
        (tmp_path / "images").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / f"{file.stem}.png"), np.rint(np.load(file) * 50).astype(np.uint8))
    check = check_source({"path": str(tmp_path), "scale": 1000})
    assert "pairing" in codes(check) and "exchanged" in check.findings[-1].reason


def table(rows):
    encoded = {"image": [], "depth": []}
    for seed in rows:
        image, depth = scene(seed)
        encoded["image"].append({"bytes": cv2.imencode(".png", image[..., ::-1])[1].tobytes(), "path": None})
        codes = np.rint(depth * 1000).astype(np.uint16)
        encoded["depth"].append({"bytes": cv2.imencode(".png", codes)[1].tobytes(), "path": None})
    features = datasets.Features({"image": datasets.Image(), "depth": datasets.Image()})
    return datasets.Dataset.from_dict(encoded, features=features)


@pytest.mark.parametrize("streaming", [False, True])
def test_tables_and_streams_are_looked_at(streaming, tmp_path):
    table(range(5)).to_parquet(str(tmp_path / "rows.parquet"))
    source = {"path": str(tmp_path / "rows.parquet"), "streaming": streaming}
    check = check_source({**source, "scale": 1000})
    assert codes(check) == [] and len(check.facts) == 5 and check.count == (None if streaming else 5)
    (finding,) = check_source({**source, "scale": 1}).findings
    assert finding.settings == {"scale": 1000.0}


def test_copies_in_a_stream_are_found_and_a_damaged_shard_is_named(tmp_path):
    table([0, 1, 0]).to_parquet(str(tmp_path / "a.parquet"))
    table([2]).to_parquet(str(tmp_path / "b.parquet"))
    content = bytearray((tmp_path / "b.parquet").read_bytes())
    content[4:400] = bytes(396)
    (tmp_path / "b.parquet").write_bytes(content)
    (tmp_path / "c.parquet").write_bytes(b"no table")
    source = {"path": str(tmp_path), "streaming": True, "scale": 1000}
    check = check_source(source, against={**source, "path": str(tmp_path / "a.parquet")})
    assert codes(check) == ["broken", "duplicates", "leak"]
    broken, copies, _ = check.findings
    assert [name.rpartition("/")[2] for name in broken.names][-1].endswith("shard 2 (c.parquet)")
    assert len(broken.names) == 2 and len(copies.names) == 1
    assert [title.partition(":")[0] for title, _ in rows_of(check)].count("typical") == 3


def test_a_source_with_dropped_rows_is_looked_at_as_any_other(scenes, tmp_path):
    (tmp_path / "drop.txt").write_text("images/001.png\n")
    check = check_source({"path": str(scenes), "drop": str(tmp_path / "drop.txt"), "scale": 1000})
    assert "001.png" not in "".join(each.name for each in check.facts) and len(check.facts) == check.count
    assert check.reader.how.kind == "folder" and check.reader.how.suffix == ".npy"
    assert check.facts[1].stored_type == "float32" and len(check.reader.files) == check.count


def test_dropped_rows_of_a_stream_are_not_looked_at(tmp_path):
    named = table(range(3)).add_column("name", ["a", "b", "c"])
    named.to_parquet(str(tmp_path / "rows.parquet"))
    (tmp_path / "drop.txt").write_text("b\n")
    source = {"path": str(tmp_path / "rows.parquet"), "streaming": True, "scale": 1000}
    check = check_source({**source, "drop": str(tmp_path / "drop.txt")})
    assert [each.name for each in check.facts] == ["a", "c"]


def test_public_datasets_are_looked_at(tmp_path):
    write_scannet(tmp_path)
    check = check_source({"path": str(tmp_path), "kind": "scannet", "split": ""})
    assert check.label == "depth" and len(check.facts) == check.count > 0


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the labelled frames are not here")
def test_real_frames_have_no_findings_together_and_alone(tmp_path):
    for label, name in (("depth", "depth.npz"), ("disparity", "disp.npz")):
        lines = [f"{next(file.parent.glob('rgb.*'))} {file}" for file in sorted(REAL.glob(f"*/{name}"))]
        # Their meta.json says that 0 has no value, which is 0 of disparity otherwise.
        rules = {"label": label, "kind": "folder", "invalid_values": [0]}
        for number, part in enumerate([lines, *([line] for line in lines)]):
            path = tmp_path / f"{label}{number}.txt"
            path.write_text("\n".join(part) + "\n")
            assert codes(check_source({"path": str(path), **rules})) == [], part


def test_disparity_in_16_bits_that_was_named_millimetres_is_mended_without_that_name(tmp_path):
    root = write_scenes(tmp_path / "rooms", FEW)
    for path in sorted((root / "depth").glob("*.npy")):
        stored = np.round(5000 / np.load(path)).astype(np.uint16)
        path.unlink()
        cv2.imwrite(str(path.with_suffix(".png")), stored)
    (finding,) = check_source({"path": str(root), "encoding": "mm"}).findings
    assert finding.code == "kind" and finding.settings == {"label": "disparity", "encoding": None}
    (root / "depth").rename(root / "disparity")
    assert check_source({"path": str(root), "label": "disparity"}).findings == []


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (np.fliplr, "registration", "some labels fit their pictures when they are mirrored"),
        (lambda depth: np.roll(depth, 8, axis=1), "registration", "when they are moved 8 pixels to the left"),
        (lambda depth: 1 / depth, "kind", "some are most likely disparity"),
    ],
)
def test_a_third_of_the_labels_is_off(tmp_path, change, code, words):
    root = write_scenes(tmp_path / "rooms", 15)
    changed = sorted((root / "depth").glob("*.npy"))[::3]
    for path in changed:
        np.save(path, np.ascontiguousarray(change(np.load(path))))
    (finding,) = check_source({"path": str(root)}).findings
    assert finding.code == code and words in finding.reason
    assert {Path(name).stem for name in finding.names} <= {path.stem for path in changed}
    assert len(finding.names) >= 4
