# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Protocols and groups open their data, and say which of it is not theirs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sample_files import write_moge

from depth_anything_hf.evaluation.datasets import open_benchmarks, open_protocol
from depth_anything_hf.evaluation.protocols import PROTOCOL_GROUPS, PROTOCOLS, describe, identify
from depth_anything_hf.evaluation.scoring import score_image
from depth_anything_hf.metrics.ordinal import point_pairs_correct


def write_da_2k(root: Path) -> Path:
    """Three pictures of two scenarios, brighter = nearer, with five pairs of which the last is annotated falsely."""
    annotations: dict[str, list[dict[str, Any]]] = {}
    for index, (scenario, pairs) in enumerate([("indoor", 2), ("indoor", 1), ("aerial", 2)]):
        path = root / "images" / scenario / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.tile(np.arange(40, dtype=np.uint8) * 6, (30, 1)))
        near, far = [5, 35], [25, 4]
        annotations[f"images/{scenario}/{index}.png"] = [
            {
                "point1": far if (index, pair) == (2, 1) else near,
                "point2": near if (index, pair) == (2, 1) else far,
                "closer_point": "point1",
            }
            for pair in range(pairs)
        ]
    (root / "annotations.json").write_text(json.dumps(annotations))
    return root


def test_a_protocol_opens_its_data_and_warns_of_another_number_of_images(tmp_path: Path, caplog: Any) -> None:
    dataset, settings = open_protocol("da-2k", write_da_2k(tmp_path))
    assert len(dataset) == 3 and settings is PROTOCOLS["da-2k"].settings and not caplog.records
    sample = next(dataset[index] for index in range(3) if dataset[index]["name"].endswith("0.png"))
    found = score_image(sample["image"][..., 0].astype(np.float32), sample, settings, "disparity")
    assert (found["pair_accuracy"], found["pairs"], found["scenario"]) == (1.0, 2, "indoor")
    with pytest.raises(ValueError, match="outside"):
        point_pairs_correct(np.ones((30, 40)), np.array([[30, 0]]), np.array([[0, 0]]))
    nyu = tmp_path / "nyu" / "test" / "office"
    nyu.mkdir(parents=True)
    cv2.imwrite(str(nyu / "rgb_00001.jpg"), np.zeros((480, 640, 3), dtype=np.uint8))
    cv2.imwrite(str(nyu / "sync_depth_00001.png"), np.full((480, 640), 2000, dtype=np.uint16))
    open_protocol("nyu", tmp_path / "nyu")
    assert "nyu@1: the benchmark has 654 images" in caplog.text and "has 1" in caplog.text
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "absent"))):
        open_protocol("nyu", tmp_path / "absent")


def test_other_images_than_the_protocols_do_not_sign_as_it(tmp_path: Path) -> None:
    for subset, count in (("NYUv2", 2), ("Sintel", 1)):
        write_moge(tmp_path, subset, count)
    _, settings = open_protocol("moge-nyu", tmp_path, split="Sintel", limit=1)
    assert identify(settings) == "moge-nyu@1, modified" and settings.images == "split Sintel, first 1"
    assert describe(settings).startswith("moge-nyu@1, modified, split Sintel, first 1, alignment")
    # What is asked for is what the protocol takes anyway.
    for options in ({"split": "NYUv2"}, {"limit": 3}):
        assert identify(open_protocol("moge-nyu", tmp_path, **options)[1]) == "moge-nyu@1"
    pairs = open_protocol("da-2k", write_da_2k(tmp_path / "da-2k"), limit=2)[1]
    assert describe(pairs).startswith("da-2k@1, modified, first 2, annotated point pairs")
    # The default split of a reader belongs to a protocol that names none.
    assert identify(open_protocol("da-2k", tmp_path / "da-2k", split="test")[1]) == "da-2k@1"


def test_a_group_opens_the_sets_that_are_there_and_names_the_others(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no dataset of moge-bundle; expected .*NYUv2, KITTI"):
        open_benchmarks("moge-bundle", tmp_path)
    for subset in ("NYUv2", "Spring"):
        write_moge(tmp_path, subset, 2)
    opened, missing = open_benchmarks("moge-bundle", tmp_path)
    assert list(opened) == ["moge-nyu", "moge-spring"]
    assert [len(dataset) for dataset, _ in opened.values()] == [2, 2]
    assert {*opened, *missing} == set(PROTOCOL_GROUPS["moge-bundle"])
    assert missing["moge-kitti"] == "no folder KITTI in the root"
    limited, _ = open_benchmarks("moge-bundle", tmp_path, limit=1)
    assert identify(limited["moge-spring"][1]) == "moge-spring@1, modified"
    with pytest.raises(ValueError, match="split='NYUv2' cannot be combined with moge-bundle"):
        open_benchmarks("moge-bundle", tmp_path, "NYUv2")
    # A set that is there in part is an error, not a missing one.
    (tmp_path / "Spring" / "1" / "depth.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"depth\.png"):
        open_benchmarks("moge-bundle", tmp_path)
    alone, missing = open_benchmarks("moge-nyu", tmp_path)
    assert list(alone) == ["moge-nyu"] and missing == {}
