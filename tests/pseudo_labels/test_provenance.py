# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A folder of labels says where they come from, and refuses those of another run."""

from __future__ import annotations

import hashlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import huggingface_hub
import pyarrow.parquet as pq
import pytest
from label_runs import (
    PROVENANCE,
    SIDE,
    label,
    tiny_predictor,
)

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.fill_shards import LabelReport
from depth_anything_hf.pseudo_labels.provenance import PROVENANCE_FILE, describe_teacher, read_provenance


def test_another_runs_folder_is_refused_and_the_differences_named(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    label(predictor, photos, tmp_path / "labels")
    other = {**PROVENANCE, "input_size": 70}
    with pytest.raises(
        ValueError, match=r"labels of a run with other settings.*input_size: 42 there, 70 now"
    ) as error:
        label(predictor, photos, tmp_path / "labels", provenance=other)
    assert "teacher" not in str(error.value)
    with pytest.raises(ValueError, match="shard_size: 3 there, 4 now"):
        label(predictor, photos, tmp_path / "labels", shard_size=4)
    (photos / "new.jpg").write_bytes((photos / "0.jpg").read_bytes())
    with pytest.raises(ValueError, match="images: 7 there, 8 now"):
        label(predictor, photos, tmp_path / "labels")


def test_labels_of_a_run_are_of_one_engine(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    described = {**PROVENANCE, "engine": "torch"}
    report = label(predictor, photos, tmp_path / "labels", provenance=described)
    with pytest.raises(ValueError, match="engine: 'torch' there, 'openvino' now"):
        label(predictor, photos, tmp_path / "labels", provenance={**described, "engine": "openvino"})
    # Earlier versions knew of PyTorch alone, and did not say it.
    path = tmp_path / "labels" / PROVENANCE_FILE
    older = json.loads(path.read_text())
    del older["engine"]
    path.write_text(json.dumps(older))
    report.shards[1].unlink()
    assert label(predictor, photos, tmp_path / "labels", provenance=described) == report
    with pytest.raises(ValueError, match="engine: 'torch' there, 'openvino' now"):
        label(predictor, photos, tmp_path / "labels", provenance={**described, "engine": "openvino"})


def test_a_run_goes_on_in_a_folder_whose_file_has_the_older_keys(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    described = {**PROVENANCE, "prediction_kind": "disparity"}
    report = label(predictor, photos, tmp_path / "labels", provenance=described)
    path = tmp_path / "labels" / PROVENANCE_FILE
    older = json.loads(path.read_text())
    older["kind"] = older.pop("prediction_kind")
    path.write_text(json.dumps(older))
    report.shards[1].unlink()
    assert read_provenance(tmp_path / "labels")["prediction_kind"] == "disparity"
    assert label(predictor, photos, tmp_path / "labels", provenance=described) == report
    with pytest.raises(ValueError, match="prediction_kind: 'disparity' there, 'depth' now"):
        label(predictor, photos, tmp_path / "labels", provenance={**described, "prediction_kind": "depth"})


def test_another_version_of_the_package_continues_a_run_and_says_so(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def run(version: str, **changes: Any) -> LabelReport:
        return label(
            predictor, photos, tmp_path / "labels", provenance={**PROVENANCE, "package_version": version, **changes}
        )

    report = run("0.1.0")
    report.shards[1].unlink()
    with caplog.at_level(logging.WARNING):
        assert run("0.1.1") == report
    assert "was begun with depth_anything_hf 0.1.0 and goes on with 0.1.1" in caplog.text
    footers = [json.loads(pq.read_metadata(shard).metadata[b"provenance"]) for shard in report.shards]
    assert [footer["package_version"] for footer in footers] == ["0.1.0", "0.1.1", "0.1.0"]
    assert read_provenance(tmp_path / "labels")["package_version"] == "0.1.0"
    with pytest.raises(ValueError, match=r"other settings \(input_size: 42 there, 70 now\)"):
        run("0.1.1", input_size=70)


@pytest.mark.parametrize("content", ["", "{", "[1]", "7"])
def test_a_damaged_file_is_told_and_what_to_do(tmp_path: Path, content: str) -> None:
    assert read_provenance(tmp_path) == {}
    (tmp_path / PROVENANCE_FILE).write_text(content)
    with pytest.raises(ValueError, match=r"provenance.json is damaged, expected one JSON object .*copy of the labels"):
        read_provenance(tmp_path)


def test_labels_of_unknown_origin_are_not_mixed_in(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    label(predictor, photos, tmp_path / "labels")
    (tmp_path / "labels" / PROVENANCE_FILE).unlink()
    with pytest.raises(ValueError, match=f"without a {PROVENANCE_FILE}"):
        label(predictor, photos, tmp_path / "labels")


def test_a_teacher_is_described_by_its_weights_and_not_by_its_place(tmp_path: Path) -> None:
    for place in ("here", "there"):
        predictor = tiny_predictor()
        predictor.model.save_pretrained(tmp_path / place / "teacher")
        predictor.processor.save_pretrained(tmp_path / place / "teacher")
    folders = [tmp_path / place / "teacher" for place in ("here", "there")]
    for suffix in (".xml", ".bin"):
        # An export of the teacher in its folder.
        (folders[1] / f"openvino_model{suffix}").write_bytes(b"exported")
    here, there = (describe_teacher(DepthPredictor.from_pretrained(f, device="cpu"), f) for f in folders)
    assert here == there and json.loads(json.dumps(here)) == here
    weights = (folders[0] / "model.safetensors").read_bytes()
    assert here["weights_sha256"] == {"model.safetensors": hashlib.sha256(weights).hexdigest()}
    assert (here["teacher"], here["prediction_kind"], here["input_size"]) == ("teacher", "disparity", SIDE)


def test_a_teacher_from_the_hub_is_described_by_its_cached_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--someone--teacher"
    predictor = tiny_predictor()
    predictor.model.save_pretrained(cached / "snapshots" / revision)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(revision)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    predictor.model.config._commit_hash = revision
    weights = (cached / "snapshots" / revision / "model.safetensors").read_bytes()
    described = describe_teacher(predictor, "someone/teacher")
    assert (described["teacher"], described["revision"]) == ("someone/teacher", revision)
    assert described["weights_sha256"] == {"model.safetensors": hashlib.sha256(weights).hexdigest()}
    assert describe_teacher(predictor, "someone/else")["weights_sha256"] is None


def test_other_images_of_the_same_number_are_refused(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    label(predictor, photos, tmp_path / "labels")
    (photos / "0.jpg").rename(photos / "00.jpg")
    with pytest.raises(ValueError, match=r"labels of a run with other settings .names_sha256"):
        label(predictor, photos, tmp_path / "labels")


def test_two_runs_with_other_settings_that_begin_at_once_do_not_mix(photos: Path, tmp_path: Path) -> None:
    barrier = Barrier(4)

    def run(side: int) -> None:
        predictor = tiny_predictor()
        barrier.wait()
        label(predictor, photos, tmp_path / "labels", provenance={"side": side})

    with ThreadPoolExecutor(4) as pool:
        errors = [future.exception() for future in [pool.submit(run, side) for side in range(4)]]
    refused = [error for error in errors if error is not None]
    assert len(refused) == 3
    assert all(isinstance(each, ValueError) and "labels of a run with other settings" in str(each) for each in refused)
