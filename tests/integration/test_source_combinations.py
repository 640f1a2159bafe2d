# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Sources in many combinations of layout, names, formats, orientation and labels: right, told, or refused by name.

The scene is bright in one corner, and that corner is far: a label that is turned, or that is read by other units, does
not fit its image.
"""

from __future__ import annotations

import csv
import json
import os
import random
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.decoding.orientation import turn_back
from depth_anything_hf.data.sources import open_source


# Places of image and label, without suffix; the split is train.
LAYOUTS = {
    "canonical": ("images/{}", "{label}/{}"),
    "rgb": ("rgb/{}", "{label}/{}"),
    "capitals": ("Color/{}", "{Label}/{}"),
    "other names": ("img/{}", "{label}-maps/{}"),
    "splits above": ("train/images/{}", "train/{label}/{}"),
    "splits below": ("images/training/{}", "{label}/train/{}"),
    "scenes": ("scene 1/rgb/{}", "scene 1/{label}/{}"),
    "deep": ("images/a/images/{}", "{label}/a/images/{}"),
    "metadata.jsonl": ("a/{}", "b/{}"),
    "metadata.csv": ("a/{}", "b/{}"),
    "list": ("a/{}", "{label}_map/{}"),
    "unknown": ("left/{}", "right/{}"),
}
IMAGE_KINDS = {
    ".png": "PNG",
    ".PNG": "PNG",
    ".jpg": "JPEG",
    ".JPEG": "JPEG",
    ".jfif": "JPEG",
    ".webp": "WEBP",
    ".tiff": "TIFF",
}
LABEL_SUFFIXES = (".npy", ".png", ".tiff", ".NPY", ".npz", ".jpg")
NAMES = ("0", "two  words", "\u00e4\u2603", "\udce9", "x" * 200, "UPPER", "v1.2.3", "rgb_7", "depth", "a,b", "images")
ORIENTATIONS = (1, 2, 3, 6, 8)
SIZES = ((32, 48), (32, 32))
ASKED = ("label", "scale", "nothing", "photos")
COUNT = 400


@dataclass(frozen=True)
class Case:
    layout: str
    image_suffix: str
    label_suffix: str
    name: str
    orientation: int
    size: tuple[int, int]
    label: str
    order: str
    asked: str

    def spec(self, root: Path) -> dict[str, Any]:
        path = root / "pairs.txt" if self.layout == "list" else root
        spec: dict[str, Any] = {"path": str(path)}
        if self.asked == "photos":
            return {**spec, "kind": "photos"}
        if self.asked == "label":
            spec["label"] = self.label
        # YAML takes 1e3 for text.
        is_integer = self.label_suffix in (".png", ".tiff", ".jpg")
        spec |= {"scale": "1e3"} if self.asked == "scale" or (is_integer and self.label == "depth") else {}
        return spec | ({"exif": "apply"} if self.order == "upright" else {})


def all_cases() -> list[Case]:
    """Draw combinations, of which none occurs twice, in an order that depends on nothing."""
    drawn: dict[Case, None] = {}
    generator = random.Random(0)
    files = (list(LAYOUTS), list(IMAGE_KINDS), LABEL_SUFFIXES, NAMES)
    choices = (*files, ORIENTATIONS, SIZES, ("depth", "disparity"), ("sensor", "upright"), ASKED)
    while len(drawn) < COUNT:
        case = Case(*(generator.choice(each) for each in choices))
        # A JPEG in a folder of any name is a photograph.
        if (case.layout, case.label_suffix) != ("unknown", ".jpg"):
            drawn[case] = None
    return list(drawn)


def write(case: Case, root: Path) -> Path:
    """Write the source, and return the path of its image."""
    upright = np.full((*case.size, 3), 30, np.uint8)
    upright[: case.size[0] // 2, : case.size[1] // 4] = 220
    stored = turn_back(upright, case.orientation)
    shown = stored if case.order == "sensor" else upright
    is_far = shown[..., 0] > 127
    values = np.where(is_far, 8.0, 2.0) if case.label == "depth" else np.where(is_far, 2.0, 8.0)
    words = {"label": case.label, "Label": case.label.capitalize()}
    image, label = (root / place.format(case.name, **words) for place in LAYOUTS[case.layout])
    image, label = Path(f"{image}{case.image_suffix}"), Path(f"{label}{case.label_suffix}")
    for path in (image, label):
        path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = case.orientation
    Image.fromarray(stored).save(image, IMAGE_KINDS[case.image_suffix], exif=exif)
    if case.label_suffix.lower() == ".npy":
        with label.open("wb") as file:
            np.save(file, values.astype(np.float32))
    elif case.label_suffix == ".npz":
        np.savez(label, values.astype(np.float32))
    elif case.label_suffix == ".jpg":
        Image.fromarray((values * 10).astype(np.uint8)).save(label)
    else:
        Image.fromarray((values * 1000).astype(np.uint16)).save(label)
    places = [path.relative_to(root).as_posix() for path in (image, label)]
    row = dict(zip(("file_name", f"{case.label}_file_name"), places, strict=True))
    if case.layout == "metadata.jsonl":
        (root / case.layout).write_text(json.dumps(row))
    elif case.layout == "metadata.csv":
        with (root / case.layout).open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            csv.DictWriter(file, list(row)).writeheader()
            csv.DictWriter(file, list(row)).writerow(row)
    elif case.layout == "list":
        (root / "pairs.txt").write_bytes(os.fsencode("\t".join(places) + "\n"))
    return image


def outcome(case: Case, root: Path) -> str:
    """Return "right", "told" or "refused"; raise AssertionError for what is wrong without a word."""
    image = write(case, root)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            opened = open_source(case.spec(root))
            samples = [opened[index] for index in range(len(opened))]
        except (ValueError, FileNotFoundError, BrokenSampleError) as error:
            refusal: str | None = str(error)
        else:
            refusal = None
    if refusal is not None:
        assert str(root) in refusal and len(refusal) > len(str(root)) + 30
        return "refused"
    told = "\n".join(str(each.message) for each in seen)
    assert len(samples) == 1, f"{[sample['name'] for sample in samples]}"
    sample = samples[0]
    is_far = sample["image"][..., 0] > 127
    if opened.label is None:
        # Without labels the image is upright, and the label beside it is no sample.
        assert case.asked in ("nothing", "photos") and os.path.samefile(sample["name"], image)
        expected = np.zeros(case.size, bool)
        expected[: case.size[0] // 2, : case.size[1] // 4] = True
        assert np.array_equal(is_far, expected)
        if case.asked == "photos":
            return "right"
        assert case.label_suffix.lower() in told, told
        return "told"
    assert case.asked != "photos" and opened.label == case.label and os.path.samefile(sample["name"], image)
    values = sample[case.label]
    nearer, farther = (2.0, 8.0) if case.label == "depth" else (8.0, 2.0)
    # Integer disparity has no unit, and a scale divides what was stored.
    unit = values.max() / 8
    assert unit == (1 if case.label == "depth" and case.asked != "scale" else unit)
    assert np.array_equal(values, np.where(is_far, farther, nearer).astype(np.float32) * np.float32(unit))
    if case.order == "sensor" and case.orientation != 1:
        assert "EXIF orientation" in told
    return "right"


def test_every_combination_is_right_told_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    wrong = []
    for number, case in enumerate(all_cases()):
        root = tmp_path / str(number)
        root.mkdir()
        try:
            found = outcome(case, root)
        except AssertionError as error:
            wrong.append(f"{case}: {str(error)[:300]}")
            continue
        except (OSError, UnicodeEncodeError):
            if case.name != "\udce9":
                raise
            # Some file systems have names in UTF-8 only.
            found = "not possible here"
        counts[found] += 1
        if found == "refused":
            refused["lossy label" if case.label_suffix == ".jpg" else case.layout] += 1
    with capsys.disabled():
        print(f"\n{COUNT} sources: {dict(counts)}; refused: {dict(refused)}")  # noqa: T201
    assert not wrong, "\n".join(wrong[:10])
    assert sum(counts.values()) == COUNT and counts["right"] > COUNT // 2 and counts["told"] and counts["refused"]
    # What is no map at all, and what is in no layout, is refused; nothing else is.
    assert set(refused) <= {"lossy label", "unknown"}
