# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels that name places on this machine are found and not pushed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from label_runs import PROVENANCE, label
from label_shards import row, write_shard

from depth_anything_hf.hub.errors import PushError
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.machine_traces import machine_traces
from depth_anything_hf.pseudo_labels.provenance import PROVENANCE_FILE
from depth_anything_hf.pseudo_labels.push import push_labels
from depth_anything_hf.pseudo_labels.shards import shard_name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "an image is named '/"),
        ({"store_images": "reference"}, r"images are kept by reference, e.g. '\.\./photos/"),
        ({"provenance": {**PROVENANCE, "note": ["made in /home/somebody/x"]}}, "provenance.json says note: 'made in"),
    ],
)
def test_labels_that_name_the_machine_are_not_pushed(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    relative = {} if not options else {"names_relative_to": photos}
    label(predictor, photos, tmp_path / "labels", **options, **relative)
    with pytest.raises(PushError, match=f"is not pushed, as it names places on this machine: .*{message}"):
        push_labels(tmp_path / "labels", "owner/labels")


def test_labels_with_relative_names_say_nothing_of_the_machine(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    assert label(predictor, photos, tmp_path / "labels", names_relative_to=photos).skipped
    assert list(machine_traces(tmp_path / "labels")) == []


@pytest.mark.parametrize(
    ("reference", "is_trace"),
    [
        ("https://host/a.png", False),
        ("tar://1.jpg::https://host/a.tar", False),
        ("tar://1.jpg::../a.tar", True),
        ("file:///home/somebody/a.png", True),
        ("a.png", True),
    ],
)
def test_references_are_urls_all_the_way(tmp_path: Path, reference: str, is_trace: bool) -> None:
    path = write_shard(tmp_path / shard_name(0, 1), [row("a", image=reference)], stored_images="reference")
    assert bool(list(machine_traces(path.parent))) == is_trace


def test_skipped_images_and_file_names_are_looked_at(tmp_path: Path) -> None:
    write_shard(tmp_path / shard_name(0, 3), [row("a")], [("b", "/home/somebody/b.png: empty")])
    write_shard(tmp_path / shard_name(1, 3), [row("a")], [("../b", "empty")])
    image = row("a")["image"]
    write_shard(tmp_path / shard_name(2, 3), [row("a", image={**image, "path": "/home/somebody/a.png"})])
    (tmp_path / PROVENANCE_FILE).write_text(json.dumps({"data": "owner/photographs"}))
    assert [trace.split(": ")[0] for trace in machine_traces(tmp_path)] == [shard_name(index, 3) for index in range(3)]
