# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of small list datasets: scores, skipped images, saving, merging, and what raises."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from accelerate import Accelerator
from sample_files import pseudo_label_table, write_moge, write_pairs

from depth_anything_hf.data.datasets import DepthFolder, DepthTable
from depth_anything_hf.data.decoding.errors import UnreadableImageError
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.evaluation.datasets import open_protocol
from depth_anything_hf.evaluation.protocols import PROTOCOLS
from depth_anything_hf.evaluation.reports import save_error_sheet, save_report
from depth_anything_hf.evaluation.results import DIAGNOSTICS, EvaluationResult, description_of, summary_of_sets
from depth_anything_hf.evaluation.runner import Predictor, evaluate, evaluate_on_all_processes, indices_of_process
from depth_anything_hf.evaluation.scoring import score_image
from depth_anything_hf.evaluation.settings import DENSE_METRICS, EvaluationSettings
from depth_anything_hf.geometry.alignment import align_disparity
from depth_anything_hf.hub.model_card import write_model_card
from depth_anything_hf.inference.prediction import Prediction
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.metrics.depth import depth_metrics
from depth_anything_hf.metrics.ordinal import ordinal_accuracy
from depth_anything_hf.metrics.table import METRICS
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


def make_dataset(count: int = 6, size: tuple[int, int] = (18, 24)) -> list[dict[str, Any]]:
    samples = []
    for index in range(count):
        random = np.random.default_rng(index)
        depth = random.uniform(1, 30, size).astype(np.float32)
        depth[0, :3] = np.nan
        depth[1, :5] = np.inf
        # The predictor below reads its noisy disparity from the picture.
        disparity = np.where(np.isfinite(depth), 1 / depth, 0) + random.normal(0, 0.03, size)
        image = np.repeat((np.clip(disparity, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=-1)
        samples.append({"image": image, "depth": depth, "name": f"image {index}"})
    return samples


def predictor(function: Callable[[np.ndarray], np.ndarray]) -> Predictor:
    def predict(images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        return (answer(name, image) for name, image in images)

    def answer(name: str, image: np.ndarray) -> Prediction:
        try:
            return Prediction(name, function(image), None, image.shape[:2])
        except RuntimeError as error:
            return Prediction(name, None, str(error), image.shape[:2])

    return predict


class InBatches:
    """Answers only when the stream has ended; gives the `kept` ones of each stream's answers."""

    def __init__(self, batch_size: int, kept: slice = slice(None)) -> None:
        self.batch_size, self.kept = batch_size, kept
        self.calls: list[list[str]] = []

    def __call__(self, images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        answers = list(predictor(brightness)(images))
        self.calls.append([answer.name for answer in answers])
        yield from answers[self.kept]


def brightness(image: np.ndarray) -> np.ndarray:
    return image[..., 0].astype(np.float32) * 7 + 3


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
    assert names == [str(tmp_path / "folder" / "images" / name) for name in ("a.png", "b.png")]
    assert "must agree pixel by pixel" in found.skipped_images[0]["reason"]

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


def test_merge_of_two_shares_equals_the_whole() -> None:
    dataset = make_dataset(7)
    dataset[3]["depth"][:] = np.nan
    whole = evaluate(predictor(brightness), dataset, prediction_kind="disparity")
    shares = [
        evaluate(predictor(brightness), dataset, prediction_kind="disparity", indices=range(start, 7, 2))
        for start in (1, 0)
    ]
    assert [len(share.rows) for share in shares] == [2, 4]
    merged = EvaluationResult.merge(shares)
    assert merged == whole and merged.mean == whole.mean and merged.skipped == 1
    with pytest.raises(ValueError, match="index 1 was scored twice"):
        EvaluationResult.merge([whole, shares[0]])
    other = EvaluationResult([], EvaluationSettings(max_depth=10))
    with pytest.raises(ValueError, match="must have the same settings"):
        EvaluationResult.merge([whole, other])
    with pytest.raises(ValueError, match="at least one"):
        EvaluationResult.merge([])


def test_save_writes_strict_json_and_one_row_per_image(tmp_path: Path) -> None:
    dataset = make_dataset(4)
    for sample in dataset:
        sample["disparity"] = 1 / sample.pop("depth")  # no metres: rmse and sq_rel are NaN
    result = evaluate(predictor(brightness), dataset, prediction_kind="disparity")
    result.save(tmp_path / "new" / "folder")
    rows = pq.read_table(tmp_path / "new" / "folder" / "per_image.parquet").to_pylist()
    assert len(rows) == 4
    for saved, row in zip(rows, result.rows, strict=True):
        assert saved.keys() == row.keys()
        assert all(saved[key] == row[key] or math.isnan(row[key]) for key in row)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (tmp_path / "new" / "folder" / "results.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=refuse)
    assert record["images"] == 4 and record["skipped"] == 0 and record["skipped_images"] == []
    assert EvaluationSettings(**record["settings"]) == result.settings
    assert record["mean"]["delta1"] == result.mean["delta1"] and record["mean"]["rmse"] is None
    assert record["median"]["abs_rel"] == result.median["abs_rel"]
    assert record["depth_anything_hf"]


def test_an_empty_result_can_be_saved_and_printed(tmp_path: Path) -> None:
    result = evaluate(predictor(brightness), [], prediction_kind="disparity")
    result.save(tmp_path)
    assert pq.read_table(tmp_path / "per_image.parquet").num_rows == 0
    assert json.loads((tmp_path / "results.json").read_text())["mean"]["delta1"] is None
    assert "0 images scored" in result.table()


def test_the_table_has_a_row_with_direction_per_metric() -> None:
    result = evaluate(predictor(brightness), make_dataset(), prediction_kind="disparity")
    lines = result.table().splitlines()
    by_name = {line.split()[0]: line.split()[1:] for line in lines[2:-1]}
    assert set(by_name) == {*DENSE_METRICS, *DIAGNOSTICS}
    assert lines[0] == "protocol: own settings, alignment: disparity, depth 0.001 to 80 m"
    for name in DENSE_METRICS:
        arrow, mean, low, _, high, median = by_name[name]
        assert arrow == ("↑" if METRICS[name].higher_is_better else "↓")
        assert float(mean) == pytest.approx(result.mean[name], abs=1e-4)
        assert float(median) == pytest.approx(result.median[name], abs=1e-4)
        assert float(low) - 1e-4 <= float(mean) <= float(high) + 1e-4
    assert "6 images scored, 0 skipped" in lines[-1]


def test_metric_models_are_compared_in_metres_without_alignment() -> None:
    sample = make_dataset(1)[0]
    settings = EvaluationSettings(alignment="none")
    depth = np.where(np.isfinite(sample["depth"]), sample["depth"], 5)
    perfect = score_image(depth, sample, settings, "depth")
    assert perfect["abs_rel"] == 0 and perfect["ordinal_accuracy"] == 1 and perfect["clamped_share"] == 0
    scaled = score_image(1.2 * depth, sample, settings, "depth")
    assert scaled["abs_rel"] == pytest.approx(0.2) and scaled["silog"] == pytest.approx(0, abs=1e-5)
    dead = score_image(np.zeros_like(depth), sample, settings, "depth")
    assert dead["clamped_share"] == 1 and dead["zero_share"] == 1 and dead["ordinal_accuracy"] == 0.5
    aligned = score_image(1.2 * depth, sample, EvaluationSettings(), "depth")
    assert aligned["abs_rel"] == pytest.approx(0, abs=1e-6) and aligned["ordinal_accuracy"] == 1


def test_the_unit_of_a_disparity_label_cancels() -> None:
    sample = make_dataset(1)[0]
    output = brightness(sample["image"])
    in_metres = score_image(output, sample, EvaluationSettings(), "disparity")
    for baseline in (1.0, 250.0):
        disparity = (baseline / sample["depth"]).astype(np.float32)
        found = score_image(output, {"disparity": disparity}, EvaluationSettings(), "disparity")
        assert found["valid_pixels"] == in_metres["valid_pixels"]
        for name in ("delta1", "delta2", "delta3", "ordinal_accuracy"):
            assert found[name] == pytest.approx(in_metres[name], abs=2e-3)
        assert math.isnan(found["rmse"]) and math.isnan(found["sq_rel"])
        assert 0 <= found["clamped_share"] < 1 and math.isfinite(found["abs_rel"])
    # Sky has disparity 0: it is not scored, though valid.
    found = score_image(np.nan_to_num(3 * disparity + 1), {"disparity": disparity}, EvaluationSettings(), "disparity")
    assert found["delta1"] == 1 and found["abs_rel"] < 1e-6 and found["valid_pixels"] == 18 * 24 - 8


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


@pytest.mark.parametrize(
    "wrong", [{"min_depth": 0.0}, {"max_depth": math.inf}, {"min_valid_pixels": 0}, {"alignment": "least"}]
)
def test_wrong_settings_raise(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EvaluationSettings(**wrong)


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


def test_the_interval_is_that_of_a_mean_over_resampled_images() -> None:
    random = np.random.default_rng(1)
    rows: list[dict[str, Any]] = [
        {"index": i, "name": str(i), "abs_rel": float(v)} for i, v in enumerate(random.normal(3, 0.5, 200))
    ]
    rows[7]["abs_rel"] = math.nan
    settings = EvaluationSettings(metrics=("abs_rel", "delta1"))
    result = EvaluationResult(rows, settings)
    values = np.array([row["abs_rel"] for row in rows if not math.isnan(row["abs_rel"])])
    low, high = result.interval["abs_rel"]
    # A mean of many images is normally distributed.
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.015)
    assert high == pytest.approx(values.mean() + half, abs=0.015)
    assert result.interval["abs_rel"] == (low, high), "seeded"
    assert all(math.isnan(end) for end in result.interval["delta1"])
    one = EvaluationResult(rows[:1], settings)
    assert one.interval["abs_rel"] == (one.mean["abs_rel"],) * 2


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


def test_a_result_says_which_benchmark_it_is_and_how_much_of_it(tmp_path: Path) -> None:
    dataset = make_dataset(2, (480, 640))
    result = evaluate(predictor(brightness), dataset, PROTOCOLS["nyu"].settings, prediction_kind="disparity")
    assert "protocol: nyu@1, alignment: disparity, depth 0.001 to 10 m, crop eigen-nyu" in result.table()
    assert "2 images scored, 0 skipped (the benchmark has 654)" in result.table()
    ((title, entry),) = result.card_entries().items()
    assert title == PROTOCOLS["nyu"].title and entry["images"] == 2 and "nyu@1" in entry["protocol"]
    card = write_model_card(
        tmp_path, title="m", kind="relative", role="student", lineage={}, training={}, results=result.card_entries()
    )
    text = card.read_text(encoding="utf-8")
    assert "nyu@1" in text and f"{result.mean['delta1']:.4f}" in text
    assert list(result.card_entries("kitchen")) == ["kitchen"]


def test_a_report_says_what_was_scored_and_holds_the_entries_of_a_model_card(
    tmp_path: Path, make_tiny_model: Any
) -> None:
    make_tiny_model().save_pretrained(tmp_path / "student")
    DepthAnythingImageProcessor.for_input_size(56).save_pretrained(tmp_path / "student")
    predict = DepthPredictor.from_pretrained(tmp_path / "student", device="cpu", batch_size=2, flip_averaging=True)
    dataset, settings = make_dataset(2, (30, 40)), PROTOCOLS["moge-nyu"].settings
    for sample in dataset:
        sample["disparity"] = 1 / sample.pop("depth")
    result = evaluate(predict, dataset, EvaluationSettings(), prediction_kind="disparity")
    made_with = description_of(predict, tmp_path / "student", settings, limit=2)
    assert made_with == {
        "model": "student",
        "input_size": 56,
        "precision": "float32",
        "interpolation": predict.processor.interpolation,
        "upsampling": "bilinear",
        "flip_averaging": True,
        "batch_size": 2,
        "split": "NYUv2",
        "limit": 2,
    }
    assert description_of(predict, tmp_path / "student", EvaluationSettings())["split"] is None
    predict.processor.upsampling = "bicubic"
    assert description_of(predict, tmp_path / "student", settings)["upsampling"] == "bicubic"
    predict.processor.upsampling = "bilinear"
    predict.model.config._commit_hash = "1f2e"
    assert description_of(predict, "owner/student", settings)["model"] == "owner/student@1f2e"
    line = result.table(made_with).splitlines()[1]
    assert line.startswith("made with: model student, input size 56, precision float32, ")
    assert line.endswith("flip averaging, batch size 2, split NYUv2, limit 2")

    save_report(tmp_path / "report", result, dataset, predict, made_with)
    assert json.loads((tmp_path / "report" / "results.json").read_text())["made_with"] == made_with
    assert (tmp_path / "report" / "errors.jpg").is_file() and (tmp_path / "report" / "per_image.parquet").is_file()
    entries = json.loads((tmp_path / "report" / "card_entries.json").read_text())
    (entry,), (expected,) = entries.values(), result.card_entries().values()
    assert entry["metrics"]["delta1"] == expected["metrics"]["delta1"] and entry["protocol"] == expected["protocol"]
    assert "rmse" not in entry["metrics"], "a disparity label has no metres"
    card = write_model_card(
        tmp_path / "student", title="m", kind="relative", role="student", lineage={}, training={}, results=entries
    )
    assert f"{result.mean['delta1']:.4f}" in card.read_text(encoding="utf-8")
    save_report(tmp_path / "empty", evaluate(predict, [], prediction_kind="disparity"), [], predict)
    assert not (tmp_path / "empty" / "errors.jpg").exists()
    assert json.loads((tmp_path / "empty" / "results.json").read_text())["made_with"] == {}


def test_the_summary_of_sets_is_the_mean_of_their_means() -> None:
    def result(metrics: tuple[str, ...], *values: float) -> EvaluationResult:
        rows = [{"index": i, "name": str(i), **dict.fromkeys(metrics, value)} for i, value in enumerate(values)]
        return EvaluationResult(rows, EvaluationSettings(metrics=metrics))

    results = {
        "moge-nyu": result(("abs_rel", "delta1"), 0.1, 0.3),
        "moge-spring": result(("abs_rel", "delta1", "boundary_f1"), 0.6),
        "moge-gso": result(("abs_rel",)),
    }
    lines = summary_of_sets(results, {"moge-kitti": "no folder KITTI in the root"}).splitlines()
    assert lines == [
        "mean over 2 of 4 sets: abs_rel ↓ 0.4000, delta1 ↑ 0.4000",
        "not in it: moge-gso: no image was scored",
        "not in it: moge-kitti: no folder KITTI in the root",
    ]
    assert summary_of_sets({}, {}) == "mean over 0 of 0 sets: none"


def test_the_sheet_shows_best_median_and_worst(tmp_path: Path) -> None:
    dataset = make_dataset(9, (60, 80))
    for index, sample in enumerate(dataset):
        sample["image"] = np.where(np.arange(80)[:, None] < 8 * index, 100, sample["image"]).astype(np.uint8)
    dataset[3]["depth"][:] = np.nan
    result = evaluate(predictor(brightness), dataset, prediction_kind="disparity")
    asked: list[str] = []

    def watched(images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        for name, image in images:
            asked.append(name)
            yield from predictor(brightness)([(name, image)])

    path = save_error_sheet(tmp_path / "new" / "sheet.jpg", result, dataset, watched, "abs_rel", count=2)
    order = [row["name"] for row in sorted(result.rows, key=lambda row: row["abs_rel"])]
    assert asked == [*order[:2], *order[3:5], *order[-2:]]
    height, width = read_image(path).shape[:2]
    assert width > 4 * 300 and height > 6 * 240
    asked.clear()
    save_error_sheet(path, result, dataset, watched, "delta1", count=20)
    assert len(asked) == 8
    with pytest.raises(ValueError, match="no image has a score 'boundary_f1'"):
        save_error_sheet(path, result, dataset, watched, "boundary_f1")


def test_every_process_gets_the_whole_result(fresh_accelerate: None) -> None:
    dataset = make_dataset(5)
    found = evaluate_on_all_processes(
        predictor(brightness), dataset, prediction_kind="disparity", accelerator=Accelerator(cpu=True)
    )
    assert found == evaluate(predictor(brightness), dataset, prediction_kind="disparity")
