# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables in many combinations of form, names, formats, orientation and labels, whole and streamed: right, or refused.

As in the folders of `test_source_combinations`, one corner of each scene is bright and far, so that a label that is
turned, or that is read by other units, does not fit its image.
"""

from __future__ import annotations

import gc
import io
import json
import random
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image
from sample_files import encode, write_tar_members

from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.decoding.images import IMAGE_SUFFIXES
from depth_anything_hf.data.decoding.orientation import turn_back
from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.sources import open_source


FORMS = ("a.tar", "a.tar.gz", "sub/a.tgz", "parquet", "arrow", "saved", "jsonl", "json")
IMAGE_KINDS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tiff": "TIFF", "PNG": "PNG"}
IMAGE_KINDS |= {"avif": "AVIF"} if ".avif" in IMAGE_SUFFIXES else {}
LABEL_KINDS = ("png", "tiff", "float tiff", "tagged png", "tagged tiff", "npy", "npz", "pfm", "list", "jpg")
NAMES = ("0", "two  words", "\u00e4\u2603", "x" * 160, "UPPER", "rgb_7", "depth", "a,b", "sub/7", "./7")
# Names that divide samples of tar archives, or that are no text, are drawn less often.
RARE_NAMES = ("v1.2", "\udce9")
SIZES = ((32, 48), (32, 32))
# By label and column, by the column only, by the label only, by nothing, and photographs of labelled data.
ASKED = ("both", "column", "label", "nothing", "photos")
COUNT, ROWS = 48, 4
TARS = FORMS[:3]


@dataclass(frozen=True)
class Row:
    name: str
    orientation: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Case:
    form: str
    image_kind: str
    label_kind: str
    label: str
    order: str
    asked: str
    exif: str
    rows: tuple[Row, ...]

    @property
    def label_column(self) -> str:
        suffix = self.label_kind.split()[-1]
        return f"{self.label}.{suffix}" if self.form in TARS else self.label

    @property
    def spec(self) -> dict[str, Any]:
        if self.asked == "photos":
            return {"kind": "photos"}
        spec: dict[str, Any] = {"exif": self.exif}
        spec |= {"label": self.label} if self.asked in ("both", "label") else {}
        spec |= {"label_column": self.label_column} if self.asked in ("both", "column") else {}
        is_integer = self.label_kind in ("png", "tiff", "tagged png", "tagged tiff", "jpg")
        return spec | ({"scale": "1e3"} if is_integer and self.label == "depth" and self.asked != "nothing" else {})

    @property
    def is_read_with_labels(self) -> bool:
        is_called_so = self.form not in TARS or self.label_kind != "jpg"
        return self.asked in ("both", "column", "label") or (self.asked == "nothing" and is_called_so)


def all_cases() -> list[Case]:
    """Draw combinations, of which none occurs twice, in an order that depends on nothing."""
    drawn: dict[Case, None] = {}
    generator = random.Random(0)
    choices = (FORMS, tuple(IMAGE_KINDS), LABEL_KINDS, ("depth", "disparity"), ("sensor", "upright"), ASKED)
    while len(drawn) < COUNT:
        form, image_kind, label_kind, label, order, asked = (generator.choice(each) for each in choices)
        # Tar archives hold files only.
        if form in TARS and label_kind == "list":
            continue
        # Nothing but the user knows that a label without an orientation of its own is upright.
        exif = "apply" if order == "upright" else generator.choice(("auto", "auto", "ignore"))
        names = generator.sample(NAMES + RARE_NAMES if generator.random() < 0.2 else NAMES, ROWS)
        rows = tuple(Row(name, generator.randint(1, 8), generator.choice(SIZES)) for name in names)
        drawn[Case(form, image_kind, label_kind, label, order, asked, exif, rows)] = None
    return list(drawn)


def upright_of(row: Row) -> np.ndarray:
    upright = np.full((*row.size, 3), 30, np.uint8)
    upright[: row.size[0] // 2, : row.size[1] // 4] = 220
    return upright


def contents(case: Case, row: Row) -> tuple[bytes, Any]:
    """Return the encoded image and the label of a row."""
    stored = np.ascontiguousarray(turn_back(upright_of(row), row.orientation))
    is_tagged = case.label_kind.startswith("tagged")
    shown = stored if case.order == "sensor" or is_tagged else upright_of(row)
    is_far = shown[..., 0] > 127
    values = np.where(is_far, 8.0, 2.0) if case.label == "depth" else np.where(is_far, 2.0, 8.0)
    stream = io.BytesIO()
    if case.label_kind == "list":
        return encode(stored, IMAGE_KINDS[case.image_kind], row.orientation), values.tolist()
    if case.label_kind == "npy":
        np.save(stream, values.astype(np.float32))
    elif case.label_kind == "npz":
        np.savez(stream, values.astype(np.float32))
    elif case.label_kind == "pfm":
        header = f"Pf\n{values.shape[1]} {values.shape[0]}\n-1\n".encode()
        stream.write(header + values[::-1].astype("<f4").tobytes())
    elif case.label_kind == "float tiff":
        Image.fromarray(values.astype(np.float32)).save(stream, "TIFF")
    elif case.label_kind == "jpg":
        Image.fromarray((values * 10).astype(np.uint8)).save(stream, "JPEG")
    else:
        kind = case.label_kind.split()[-1].upper()
        millimetres = (values * 1000).astype(np.uint16)
        stream.write(encode(millimetres, kind, row.orientation if is_tagged else None))
    return encode(stored, IMAGE_KINDS[case.image_kind], row.orientation), stream.getvalue()


def write(case: Case, root: Path) -> None:
    pairs = [contents(case, row) for row in case.rows]
    if case.form in TARS:
        members = {}
        for row, (image, label) in zip(case.rows, pairs, strict=True):
            members |= {f"{row.name}.{case.image_kind}": image, f"{row.name}.{case.label_column}": label}
        write_tar_members(root / case.form, members)
        return
    root.mkdir()
    if case.form in ("jsonl", "json"):
        lines = []
        for row, pair in zip(case.rows, pairs, strict=True):
            files = [f"{kind}/{row.name}.bin" for kind in ("a", "b")]
            for name, content in zip(files, pair, strict=True):
                if isinstance(content, bytes):
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    (root / name).write_bytes(content)
            label = files[1] if isinstance(pair[1], bytes) else pair[1]
            lines.append(json.dumps({"image": files[0], case.label: label}))
        (root / f"a.{case.form}").write_text("\n".join(lines))
        return
    is_picture = case.label_kind.split()[-1] in ("png", "tiff", "jpg")
    cells = [pair[1] for pair in pairs]
    images = [{"bytes": pair[0], "path": f"{row.name}.x"} for row, pair in zip(case.rows, pairs, strict=True)]
    feature: Any = datasets.Image() if is_picture else datasets.Value("binary")
    if case.label_kind == "list":
        feature = datasets.List(datasets.List(datasets.Value("float32")))
    features = datasets.Features({"image": datasets.Image(), case.label: feature})
    labels = [{"bytes": cell, "path": None} for cell in cells] if is_picture else cells
    table = datasets.Dataset.from_dict({"image": images, case.label: labels}, features=features)
    if case.form == "saved":
        table.save_to_disk(root)
    elif case.form == "parquet":
        table.to_parquet(root / "a.parquet")
    else:
        table.save_to_disk(root / "saved")
        (root / "saved" / "data-00000-of-00001.arrow").rename(root / "a.arrow")
        for path in (root / "saved").iterdir():
            path.unlink()
        (root / "saved").rmdir()


def read(case: Case, root: Path, streaming: bool) -> tuple[Any, list[Any]]:
    """Return the label of the source, and for each row a sample or why it is broken."""
    opened = open_source({"path": str(root), "streaming": streaming, **case.spec})
    found: list[Any] = []

    def add(read_sample: Any) -> None:
        try:
            found.append(read_sample())
        except BrokenSampleError as error:
            found.append(str(error))

    if isinstance(opened, DepthStream):
        for shard in range(opened.shard_count):
            for index, row in enumerate(opened.shard(shard)):
                add(lambda row=row, shard=shard, index=index: opened.read(row, shard, index))
    else:
        for index in range(len(opened)):
            add(lambda index=index: opened[index])
    return opened.label, found


def check(case: Case, row: Row, label: str | None, sample: Any) -> str:
    """Return "right" or "skipped"; raise AssertionError for what is wrong without a word."""
    if isinstance(sample, str):
        assert label is not None and case.label_kind == "jpg" and "is lossy" in sample and "row " in sample, sample
        return "skipped"
    assert row.name.removeprefix("./") in sample["name"] or case.form not in TARS
    is_far = sample["image"][..., 0] > 127
    if label is None:
        assert not case.is_read_with_labels
        assert np.array_equal(is_far, upright_of(row)[..., 0] > 127)
        return "right"
    assert label == case.label and case.is_read_with_labels
    values = sample[label]
    nearer, farther = (2.0, 8.0) if label == "depth" else (8.0, 2.0)
    unit = values.max() / 8
    assert unit == (1 if label == "depth" else unit)
    assert np.array_equal(values, np.where(is_far, farther, nearer).astype(np.float32) * np.float32(unit))
    return "right"


def outcome(case: Case, root: Path) -> list[str]:
    """Return what becomes of each row, the same whole and streamed."""
    try:
        write(case, root)
    except (OSError, UnicodeEncodeError):
        assert any(row.name == "\udce9" for row in case.rows)
        # Some formats and file systems have names in UTF-8 only.
        return ["not possible"]
    results: list[Any] = []
    for streaming in (False, True):
        try:
            results.append(read(case, root, streaming))
        except (ValueError, FileNotFoundError) as error:
            results.append(str(error))
    if case.form == "saved":
        # A saved dataset is read by index.
        results[1] = results[0]
    whole, streamed = results
    if isinstance(whole, str) or isinstance(streamed, str):
        assert isinstance(whole, str) and isinstance(streamed, str), f"{whole}\n{streamed}"
        for message in (whole, streamed):
            # Whoever reads samples names the source.
            assert (str(root) in message or re.match("row 0 .*set scale", message)) and len(message) > 60, message
        return ["refused"]
    assert whole[0] == streamed[0] and len(whole[1]) == len(streamed[1]) == len(case.rows), f"{whole[1]}"
    found = []
    for row, one, other in zip(case.rows, whole[1], streamed[1], strict=True):
        found.append(check(case, row, whole[0], one))
        assert found[-1] == check(case, row, streamed[0], other)
        if found[-1] == "right":
            assert all(np.array_equal(one[key], other[key]) for key in one if key != "name")
            assert one["name"] == other["name"] or case.form not in TARS
    return found


@pytest.fixture
def quiet() -> Any:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def test_every_table_is_right_skipped_or_refused(
    tmp_path: Path, table_cache: None, quiet: None, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    wrong = []
    with warnings.catch_warnings():
        # What is told is tested where it is said.
        warnings.simplefilter("ignore", UserWarning)
        for number, case in enumerate(all_cases()):
            try:
                found = outcome(case, tmp_path / str(number))
            except AssertionError as error:
                wrong.append(f"{case}: {str(error)[:500]}")
                continue
            counts.update(found)
            if found == ["refused"]:
                is_rare = any(row.name in RARE_NAMES for row in case.rows)
                refused[f"{'name' if is_rare else case.asked} in {'tar' if case.form in TARS else 'table'}"] += 1
    gc.collect()
    with capsys.disabled():
        print(f"\n{COUNT} tables, whole and streamed: {dict(counts)}; refused: {dict(refused)}")  # noqa: T201
    assert not wrong, "\n".join(wrong[:10])
    assert counts["right"] > 2 * COUNT and counts["skipped"] and counts["refused"]
    # Tar archives have no column with the name of a label; and integer depth needs a scale.
    assert set(refused) <= {"column in tar", "label in tar", "name in tar", "name in table", "nothing in table"}
