# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of small list datasets: scores, skipped images, groups, processes, and what raises."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from accelerate import Accelerator
from predictors import brightness, make_dataset, predictor
from sample_files import pseudo_label_table, write_moge, write_pairs

from depth_anything_hf.data.datasets import DepthFolder, DepthTable
from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.evaluation.datasets import open_protocol
from depth_anything_hf.evaluation.evaluator import evaluate, evaluate_on_all_processes, indices_of_process
from depth_anything_hf.evaluation.protocols import PROTOCOLS
from depth_anything_hf.evaluation.reports import save_error_sheet
from depth_anything_hf.evaluation.results import DIAGNOSTICS, EvaluationResult
from depth_anything_hf.evaluation.scoring import score_image
from depth_anything_hf.evaluation.settings import DENSE_METRICS, EvaluationSettings
from depth_anything_hf.geometry.alignment import align_disparity
from depth_anything_hf.inference.prediction import Prediction
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.metrics.depth import depth_metrics
from depth_anything_hf.metrics.ordinal import ordinal_accuracy
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


class InBatches:
    """Answers only when the stream has ended; gives the `kept` ones of each stream's answers."""

    def __init__(self, batch_size: int, kept: slice = slice(None)) -> None:
        self.batch_size, self.kept = batch_size, kept
        self.calls: list[list[str]] = []

    def __call__(self, images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        answers = list(predictor(brightness)(images))
        self.calls.append([answer.name for answer in answers])
        yield from answers[self.kept]


def test_rows_hold_the_scores_of_each_image_and_means_are_over_images() -> None:
    dataset, settings = make_dataset(), EvaluationSettings(max_depth=25)
    result = evaluate(predictor(brightness), dataset, settings, prediction_kind="disparity")
    assert [row["index"] for row in result.rows] == list(range(6)) and result.skipped == 0
    for row, sample in zip(result.rows, dataset, strict=True):
        mask = np.nan_to_num(sample["depth"], nan=99, posinf=99) <= 25
        output = brightness(sample["image"])
        depth, clamped_share = align_disparity(output, sample["depth"], mask, 1e-3, 25)
        expected = depth_metrics(depth, sample["depth"], mask)
        expected["ordinal_accuracy"] = ordinal_accuracy(output, sample["depth"], mask)
        assert row["name"] == sample["name"] and row["valid_pixels"] == mask.sum()
        assert {name: row[name] for name in expected} == expected
        assert row["clamped_share"] == clamped_share
        assert (row["output_minimum"], row["output_maximum"]) == (output.min(), output.max())
    for name in (*DENSE_METRICS, *DIAGNOSTICS):
        assert result.mean[name] == pytest.approx(np.mean([row[name] for row in result.rows]), rel=1e-12)
        assert result.median[name] == pytest.approx(np.median([row[name] for row in result.rows]), rel=1e-12)


def test_failing_images_are_skipped_with_their_reason() -> None:
    dataset = make_dataset(6)
    dataset[1]["image"] = np.zeros_like(dataset[1]["image"])
    dataset[2]["depth"] = np.full_like(dataset[2]["depth"], np.nan)
    dataset[2]["depth"][3, :9] = 2
    dataset[4]["image"] = np.full_like(dataset[4]["image"], 255)

    def moody(image: np.ndarray) -> np.ndarray:
        if image.max() == 0:
            raise RuntimeError("out of memory")
        return brightness(image) if image.min() < 255 else np.full(image.shape[:2], np.nan, dtype=np.float32)

    result = evaluate(predictor(moody), dataset, prediction_kind="disparity")
    assert [row["index"] for row in result.rows] == [0, 3, 5]
    assert [(image["index"], image["name"]) for image in result.skipped_images] == [
        (1, "image 1"),
        (2, "image 2"),
        (4, "image 4"),
    ]
    reasons = [image["reason"] for image in result.skipped_images]
    assert reasons[0] == "out of memory"
    assert "9 valid label pixels" in reasons[1] and "10" in reasons[1]
    assert "not finite" in reasons[2]
    assert "skipped image 1: out of memory" in result.table()


def test_an_unreadable_file_is_skipped() -> None:
    class Damaged(list):
        def __getitem__(self, index: Any) -> Any:
            if index == 1:
                raise UnreadableImageError("b.png: cannot be decoded")
            return super().__getitem__(index)

    result = evaluate(predictor(brightness), Damaged(make_dataset(3)), prediction_kind="disparity")
    assert [row["index"] for row in result.rows] == [0, 2]
    assert result.skipped_images == [{"index": 1, "name": "item 1", "reason": "b.png: cannot be decoded"}]


def test_a_sample_of_two_sizes_is_skipped_and_every_dataset_names_what_it_cannot_read(tmp_path: Path) -> None:
    sample = make_dataset(1)[0]
    write_pairs(tmp_path / "folder", sample["image"], sample["depth"], ["a", "b", "c"])
    np.save(tmp_path / "folder" / "depth" / "a.npy", sample["depth"][:-1])
    (tmp_path / "folder" / "images" / "b.png").write_bytes(b"no picture")
    found = evaluate(predictor(brightness), DepthFolder(tmp_path / "folder"), prediction_kind="disparity")
    assert [row["index"] for row in found.rows] == [2]
    names = [image["name"] for image in found.skipped_images]
    assert names == ["images/a.png", "images/b.png"] and found.rows[0]["name"] == "images/c.png"
    assert "must agree pixel by pixel" in found.skipped_images[0]["reason"]
    assert str(tmp_path) not in str(found)

    table = pseudo_label_table(sample["image"], [np.ones((18, 24)), np.ones((9, 24))])
    found = evaluate(predictor(brightness), DepthTable(table, label="disparity"), prediction_kind="disparity")
    assert [image["name"] for image in found.skipped_images] == ["row 1"]

    write_moge(tmp_path, "NYUv2", 2)
    (tmp_path / "NYUv2" / "1" / "image.jpg").write_bytes(b"no picture")
    dataset, settings = open_protocol("moge-nyu", tmp_path)
    found = evaluate(predictor(brightness), dataset, settings, prediction_kind="disparity")
    assert [image["name"] for image in found.skipped_images] == ["NYUv2/1"] and len(found.rows) == 1


def test_a_predictor_may_read_ahead() -> None:
    dataset = make_dataset(7)
    batched = evaluate(InBatches(3), dataset, prediction_kind="disparity")
    assert batched == evaluate(predictor(brightness), dataset, prediction_kind="disparity")


def test_what_does_not_fit_raises() -> None:
    dataset = make_dataset(2)
    with pytest.raises(ValueError, match="cannot be compared with metres"):
        evaluate(predictor(brightness), dataset, EvaluationSettings(alignment="none"), prediction_kind="disparity")
    with pytest.raises(ValueError, match="prediction_kind"):
        evaluate(predictor(brightness), dataset, prediction_kind="height")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"image 0: the prediction is \(9, 24\)"):
        evaluate(predictor(lambda image: brightness(image)[::2]), dataset, prediction_kind="disparity")
    with pytest.raises(ValueError, match="input order: expected image 0, got image 1"):
        evaluate(InBatches(2, slice(None, None, -1)), dataset, prediction_kind="disparity")
    with pytest.raises(ValueError, match="one prediction per image, got 1 for 2 images"):
        evaluate(InBatches(2, slice(1)), dataset, prediction_kind="disparity")
    label = {"disparity": np.ones((4, 4))}
    with pytest.raises(ValueError, match="no metres"):
        score_image(np.ones((4, 4)), label, EvaluationSettings(alignment="none"), "depth")
    small = [{**dataset[0], "depth": dataset[0]["depth"][:-1]}]
    with pytest.raises(
        ValueError, match=r"the image is \(18, 24\) and the label \(17, 24\); both must have one aspect ratio"
    ):
        evaluate(predictor(brightness), small, prediction_kind="disparity")
    unlabelled = [{"image": dataset[0]["image"], "name": "image 0"}]
    with pytest.raises(ValueError, match="image 0: expected one of 'depth' and 'disparity'"):
        evaluate(predictor(brightness), unlabelled, prediction_kind="disparity")


def test_rows_do_not_depend_on_the_number_of_processes(make_tiny_model: Any) -> None:
    """Bit for bit, also with images of several sizes: a pass of one image rounds otherwise than a pass of four."""
    sizes = [(56, 56), (56, 84), (84, 56)]
    dataset = [make_dataset(1, sizes[index % 7 % 3])[0] | {"name": str(index)} for index in range(22)]
    processor = DepthAnythingImageProcessor.for_input_size(56)
    predict = DepthPredictor(make_tiny_model(), processor, batch_size=4)
    whole = evaluate(predict, dataset, prediction_kind="disparity")
    for count in (2, 3):
        shares = [indices_of_process(predict, dataset, index, count) for index in range(count)]
        assert sorted(index for share in shares for index in share) == list(range(22)) and all(shares)
        parts = [evaluate(predict, dataset, prediction_kind="disparity", indices=share) for share in shares]
        assert EvaluationResult.merge(parts).rows == whole.rows


def test_groups_are_batches_of_a_small_set_and_several_of_a_large_one() -> None:
    small, large = InBatches(3), InBatches(1)
    evaluate(small, make_dataset(7), prediction_kind="disparity")
    assert [len(names) for names in small.calls] == [3, 3, 1]
    evaluate(large, make_dataset(64, (4, 6)), prediction_kind="disparity")
    assert [len(names) for names in large.calls] == [4] * 16


def pair_dataset() -> list[dict[str, Any]]:
    image = np.tile(np.arange(24, dtype=np.uint8) * 5, (18, 1))[..., None].repeat(3, axis=2)
    bright, dark = [3, 20], [9, 2]
    samples = []
    for index, (scenario, right, wrong) in enumerate([("indoor", 3, 0), ("indoor", 0, 1), ("aerial", 1, 0)]):
        pairs = {"nearer": [bright] * right + [dark] * wrong, "farther": [dark] * right + [bright] * wrong}
        arrays = {key: np.array(points) for key, points in pairs.items()}
        samples.append({"image": image, "name": f"{index}", "pairs": arrays, "scenario": scenario})
    return samples


def test_point_pairs_are_counted_as_pairs_overall_and_per_scenario(tmp_path: Path) -> None:
    settings = PROTOCOLS["da-2k"].settings
    result = evaluate(predictor(brightness), pair_dataset(), settings, prediction_kind="disparity")
    # Four of five pairs, though two of three images.
    assert result.mean["pair_accuracy"] == pytest.approx(0.8)
    assert result.mean["pair_accuracy/indoor"] == pytest.approx(0.75) and result.mean["pair_accuracy/aerial"] == 1
    assert math.isnan(result.mean["abs_rel"])
    table = result.table()
    assert table.startswith("protocol: da-2k@1, annotated point pairs") and "pair_accuracy/aerial ↑" in table
    assert "3 images with 5 pairs scored" in table
    result.save(tmp_path)
    rows = pq.read_table(tmp_path / "per_image.parquet").to_pylist()
    assert [(row["pairs"], row["scenario"]) for row in rows] == [(3, "indoor"), (1, "indoor"), (1, "aerial")]
    record = json.loads((tmp_path / "results.json").read_text())
    assert record["protocol"] == "da-2k@1" and record["mean"]["pair_accuracy/indoor"] == pytest.approx(0.75)
    assert record["settings"] == {"protocol": "da-2k@1", "images": "", "metrics": ["pair_accuracy"]}
    (entry,) = result.card_entries().values()
    assert "no alignment" in entry["protocol"] and entry["metrics"]["pair_accuracy"] == pytest.approx(0.8)
    metres = evaluate(predictor(lambda image: -brightness(image)), pair_dataset(), settings, prediction_kind="depth")
    assert metres.mean["pair_accuracy"] == pytest.approx(0.8)
    sheet = save_error_sheet(tmp_path / "pairs.jpg", result, pair_dataset(), predictor(brightness), count=1)
    assert read_image(sheet).shape[1] > 2 * 300
    with pytest.raises(ValueError, match="scored by the protocol 'da-2k'"):
        evaluate(predictor(brightness), pair_dataset(), prediction_kind="disparity")
    with pytest.raises(ValueError, match=r"image 0: .*has none"):
        evaluate(predictor(brightness), make_dataset(1), settings, prediction_kind="disparity")
    outside = pair_dataset()[:1]
    outside[0]["pairs"]["nearer"][1] = [18, 0]
    with pytest.raises(ValueError, match=r"^0: .*18"):
        evaluate(predictor(brightness), outside, settings, prediction_kind="disparity")


def test_a_label_without_any_valid_pixel_is_skipped_and_named(tmp_path: Path) -> None:
    dataset = make_dataset(3)
    dataset[1]["depth"][:] = np.nan
    seen: list[str] = []

    def watched(images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        for prediction in predictor(brightness)(images):
            seen.append(prediction.name)
            yield prediction

    result = evaluate(watched, dataset, prediction_kind="disparity")
    assert seen == ["image 0", "image 2"], "no forward pass for it"
    assert result.skipped_images[0]["name"] == "image 1"
    assert "invalid everywhere" in result.skipped_images[0]["reason"]
    result.save(tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["skipped_images"] == result.skipped_images


def test_every_process_gets_the_whole_result(fresh_accelerate: None) -> None:
    dataset = make_dataset(5)
    found = evaluate_on_all_processes(
        predictor(brightness), dataset, prediction_kind="disparity", accelerator=Accelerator(cpu=True)
    )
    assert found == evaluate(predictor(brightness), dataset, prediction_kind="disparity")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take UTF-8 only")
def test_result_files_name_images_whose_names_are_not_utf8(tmp_path: Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    write_pairs(tmp_path / "data", rgb, depth, ["a", os.fsdecode(b"caf\xe9"), os.fsdecode(b"lost\xe9")])
    (tmp_path / "data" / "images" / os.fsdecode(b"lost\xe9.png")).write_bytes(b"no picture")
    result = evaluate(predictor(brightness), DepthFolder(tmp_path / "data"), prediction_kind="disparity")
    result.save(tmp_path / "out")
    names = pq.read_table(tmp_path / "out" / "per_image.parquet")["name"].to_pylist()
    assert [Path(name).name for name in names] == ["a.png", r"caf\xe9.png"]
    (skipped,) = result.skipped_images
    assert skipped["name"].endswith(r"lost\xe9.png") and skipped["reason"].isprintable()
