# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about pseudo-label shards: what they hold, who reads them, and what happens when a run is repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from file_sizes import largest_file
from label_runs import (
    COLUMNS,
    PROVENANCE,
    Samples,
    contents,
    label,
    random_image,
    tiny_predictor,
)
from PIL import Image

from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.decoding.disparity_codec import decode_disparity
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.fill_shards import label_images
from depth_anything_hf.pseudo_labels.provenance import PROVENANCE_FILE, read_provenance
from depth_anything_hf.pseudo_labels.verify import verify_labels


@pytest.mark.parametrize("as_folder", [True, False])
def test_load_dataset_reads_the_shards_as_pictures(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, as_folder: bool
) -> None:
    # One shard beside provenance.json: as many parquet files as JSON files.
    report = label(predictor, photos, tmp_path / "labels", shard_size=100, keep_order=True)
    cache = str(tmp_path / "cache")
    if as_folder:
        table = datasets.load_dataset(str(tmp_path / "labels"), split="train", cache_dir=cache)
    else:
        files = [str(path) for path in report.shards]
        table = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
    assert table.column_names == COLUMNS and len(table) == 7
    for row in table:
        assert row["image"].size == row["disparity"].size == (row["width"], row["height"])
        assert row["disparity"].mode.startswith("I;16")
    assert (table[6]["width"], table[6]["height"]) == (30, 40)


def test_labels_are_the_teachers_disparity_to_half_a_code_step(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    label(predictor, photos, tmp_path / "labels", keep_order=True)
    labelled, unlabelled = open_source(str(tmp_path / "labels")), PhotoFolder(photos)
    assert labelled.label == "disparity" and len(labelled) == 7
    for index in range(7):
        sample, expected = labelled[index], predictor.predict(unlabelled[index]["image"])
        np.testing.assert_array_equal(sample["image"], unlabelled[index]["image"])
        half_step = (expected.max() - expected.min()) / 65534 / 2
        # Beside the code step: float32 rounding, and the sums of a pass of two images instead of one.
        np.testing.assert_allclose(sample["disparity"], expected, rtol=0, atol=half_step + 1e-6)


def test_labels_made_in_bfloat16_keep_as_many_levels_as_in_float32(photos: Path, tmp_path: Path) -> None:
    half = tiny_predictor()
    half.model.to(torch.bfloat16)
    levels = []
    for name, predictor in (("exact", tiny_predictor()), ("half", half)):
        label(predictor, photos, tmp_path / name)
        labelled = open_source(str(tmp_path / name))
        levels.append([len(np.unique(labelled[index]["disparity"])) for index in range(len(labelled))])
    assert all(ours > 0.9 * exact > 500 for exact, ours in zip(*levels, strict=True))


def test_labels_by_reference_open_and_hold_no_pictures(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    options = {"store_images": "reference", "names_relative_to": photos, "keep_order": True}
    report = label(predictor, photos, tmp_path / "runs" / "labels", **options)
    rows = [row for path in report.shards for row in pq.read_table(path).to_pylist()]
    assert rows[4]["image"] == "../../photos/more/4.jpg" and rows[4]["name"] == "more/4.jpg"
    samples = open_source(str(tmp_path / "runs" / "labels"))
    np.testing.assert_array_equal(samples[4]["image"], PhotoFolder(photos)[4]["image"])
    assert verify_labels(tmp_path / "runs" / "labels").labelled == 7


@pytest.mark.parametrize("encoding", ["auto", "linear"])
def test_a_metric_teachers_depth_is_stored_as_disparity(photos: Path, tmp_path: Path, encoding: str) -> None:
    predictor = tiny_predictor(depth_estimation_type="metric", max_depth=20)
    report = label(predictor, photos, tmp_path / "labels", encoding=encoding)
    row = pq.read_table(report.shards[0]).to_pylist()[0]
    assert row["disparity_encoding"] == ("log" if encoding == "auto" else "linear")
    span = (row["disparity_minimum"], row["disparity_maximum"], row["disparity_encoding"])
    disparity = decode_disparity(row["disparity"]["bytes"], *span)
    depth = predictor.predict(Path(row["name"]))
    np.testing.assert_allclose(disparity, 1 / depth, rtol=1e-4)
    assert row["disparity_unit"] == "1/m"


def test_labels_of_a_metric_teacher_are_read_as_metres(photos: Path, tmp_path: Path) -> None:
    predictor = tiny_predictor(depth_estimation_type="metric", max_depth=20)
    label(predictor, photos, tmp_path / "labels")
    source: dict[str, Any] = {"path": str(tmp_path / "labels")}
    table, stream = open_source(source), open_source({**source, "streaming": True})
    assert table.label == stream.label == "depth" and verify_labels(tmp_path / "labels").is_sound
    sample = table[0]
    depth = predictor.predict(Path(sample["name"]))
    np.testing.assert_allclose(sample["depth"], depth, rtol=1e-4)
    np.testing.assert_array_equal(stream.read(next(iter(stream.shard(0))), 0, 0)["depth"], sample["depth"])
    limit = float(np.median(depth))
    limited = open_source({**source, "max_depth": limit})[0]["depth"]
    assert np.isnan(limited[depth > 1.001 * limit]).all() and np.isfinite(limited[depth < 0.999 * limit]).all()
    asked = open_source({**source, "label": "disparity"})[0]
    np.testing.assert_allclose(asked["disparity"], 1 / depth, rtol=1e-4)


def test_a_run_of_metric_labels_that_was_begun_without_the_unit_goes_on_without(photos: Path, tmp_path: Path) -> None:
    predictor = tiny_predictor(depth_estimation_type="metric", max_depth=20)
    report = label(predictor, photos, tmp_path / "labels")
    record = tmp_path / "labels" / PROVENANCE_FILE
    told = json.loads(record.read_text())
    assert told.pop("disparity_unit") == "1/m"
    record.write_text(json.dumps(told))
    report.shards[0].unlink()
    label(predictor, photos, tmp_path / "labels")
    assert "disparity_unit" not in pq.read_schema(report.shards[0]).names


class WithExtremes(DepthPredictor):
    """Metres from 0.5 to 20, one pixel at 1 mm and one that is nearly infinitely far."""

    def _launch(self, inputs: Any, sizes: Any, again: bool = False) -> Callable[[], list[np.ndarray]]:
        def depth(size: tuple[int, int]) -> np.ndarray:
            values = np.linspace(0.5, 20, size[0] * size[1], dtype=np.float32).reshape(size)
            values[0, :2] = 1e-3, 1e30
            return values

        return lambda: [depth(size) for size in sizes]


def test_one_near_pixel_of_a_metric_teacher_costs_the_others_nothing(photos: Path, tmp_path: Path) -> None:
    plain = tiny_predictor(depth_estimation_type="metric", max_depth=20)
    predictor = WithExtremes(plain.model, plain.processor)
    label(predictor, photos, tmp_path / "labels")
    sample = open_source(str(tmp_path / "labels"))[0]
    size = sample["depth"].shape
    expected = np.linspace(0.5, 20, size[0] * size[1]).reshape(size)
    expected[0, :2] = 1e-3, 1e30
    np.testing.assert_allclose(sample["depth"], expected, rtol=1e-3)
    assert verify_labels(tmp_path / "labels").is_sound


def test_a_run_goes_on_in_its_code(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    metric = tiny_predictor(depth_estimation_type="metric", max_depth=20)
    for name, teacher, chosen, expected in (
        ("earlier", metric, "linear", "linear"),
        ("metric", metric, "auto", "log"),
        ("relative", predictor, "auto", "linear"),
    ):
        report = label(teacher, photos, tmp_path / name, encoding=chosen)
        assert read_provenance(tmp_path / name)["encoding"] == expected
        before = contents(tmp_path / name)
        report.shards[1].unlink()
        assert label(teacher, photos, tmp_path / name) == report
        assert contents(tmp_path / name) == before
    with pytest.raises(ValueError, match="encoding: 'log' there, 'linear' now"):
        label(metric, photos, tmp_path / "metric", encoding="linear")


def test_a_repeated_run_computes_the_absent_shards_only(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    report = label(predictor, photos, tmp_path / "labels")
    first = contents(tmp_path / "labels")
    report.shards[1].unlink()
    report.shards[2].write_bytes(b"")  # what a power cut may leave
    times = report.shards[0].stat().st_mtime_ns
    assert label(predictor, photos, tmp_path / "labels") == report
    assert contents(tmp_path / "labels") == first
    assert report.shards[0].stat().st_mtime_ns == times


def test_an_interrupted_run_leaves_complete_shards_only(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    class Interrupted(PhotoFolder):
        def read_encoded(self, index: int) -> tuple[str, str]:
            if index == 5:
                raise KeyboardInterrupt
            return super().read_encoded(index)

    with pytest.raises(KeyboardInterrupt):
        label_images(
            predictor,
            Interrupted(photos),
            tmp_path / "labels",
            provenance=PROVENANCE,
            shard_size=3,
            progress=False,
            keep_order=True,
        )
    assert sorted(contents(tmp_path / "labels")) == ["labels-00000-of-00003.parquet", PROVENANCE_FILE]
    assert label(predictor, photos, tmp_path / "labels", keep_order=True).labelled == 7


def test_two_processes_write_the_bytes_of_one(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    alone = label(predictor, photos, tmp_path / "alone")
    shares = [
        label(predictor, photos, tmp_path / "shared", process_index=index, process_count=2) for index in range(2)
    ]
    assert [len(share.shards) for share in shares] == [2, 1]
    assert sum(share.labelled for share in shares) == alone.labelled
    assert contents(tmp_path / "shared") == contents(tmp_path / "alone")


def test_unreadable_images_are_skipped_and_remembered(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    report = label(predictor, photos, tmp_path / "labels")
    assert report.labelled == 7
    ((name, reason),) = report.skipped
    assert name.endswith("broken.jpg") and "not an image" in reason
    assert label(predictor, photos, tmp_path / "labels") == report
    assert len(open_source(str(tmp_path / "labels"))) == 7


def test_a_shard_without_any_readable_image_is_complete_and_does_no_harm(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    for number in range(3):
        (photos / f"{number}.jpg").write_bytes(b"no picture")
    report = label(predictor, photos, tmp_path / "labels")
    assert (report.labelled, len(report.skipped), len(report.shards)) == (4, 3, 3)
    assert len(open_source(str(tmp_path / "labels"))) == 4


def test_a_teacher_that_always_fails_writes_no_shard(photos: Path, tmp_path: Path) -> None:
    broken = tiny_predictor()
    torch.nn.init.constant_(broken.model.head.conv3.weight, float("nan"))
    with pytest.raises(ValueError, match=r"the teacher failed on all images of a shard.*NaN"):
        label(broken, photos, tmp_path / "labels")
    assert sorted(contents(tmp_path / "labels")) == [PROVENANCE_FILE]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard_size": 0}, "shard_size"),
        ({"process_index": 2, "process_count": 2}, r"0\.\.1"),
        ({"process_index": -1}, "process_index"),
    ],
)
def test_wrong_counts_are_told(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, options: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        label(predictor, photos, tmp_path / "labels", **options)


def test_an_empty_dataset_is_told(predictor: DepthPredictor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        label_images(predictor, Samples([]), tmp_path / "labels", provenance=PROVENANCE)


def test_a_flipped_bit_is_found_and_the_shard_is_made_again(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    report = label(predictor, photos, tmp_path / "labels")
    sound = contents(tmp_path / "labels")
    content = bytearray(report.shards[1].read_bytes())
    content[len(content) // 2] ^= 8
    report.shards[1].write_bytes(content)
    found = verify_labels(tmp_path / "labels", remove_damaged=True)
    assert [name for name, _ in found.damaged] == [report.shards[1].name]
    assert label(predictor, photos, tmp_path / "labels") == report
    assert contents(tmp_path / "labels") == sound


def test_two_runs_at_once_do_no_harm(photos: Path, tmp_path: Path) -> None:
    expected = label(tiny_predictor(), photos, tmp_path / "alone", shard_size=1)
    predictors = [tiny_predictor() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(label, predictor, photos, tmp_path / "labels", shard_size=1) for predictor in predictors]
        reports = [run.result() for run in runs]
    assert all(report.labelled == expected.labelled for report in reports)
    assert contents(tmp_path / "labels") == contents(tmp_path / "alone")
    assert not list((tmp_path / "labels").glob(".*")) and verify_labels(tmp_path / "labels").is_sound


def test_a_full_disk_is_told_and_costs_no_finished_shard(photos: Path, tmp_path: Path) -> None:
    for number in (4, 5):
        Image.fromarray(random_image((300, 400), number)).save(photos / "more" / f"{number}.png")
    predictor = tiny_predictor()
    message = "labels-00001-of-00003.parquet cannot be written.*finished shards are kept"
    with largest_file(100_000), pytest.raises(OSError, match=message):
        label(predictor, photos, tmp_path / "labels", shard_size=4)
    finished = contents(tmp_path / "labels")
    assert "labels-00000-of-00003.parquet" in finished and "labels-00001-of-00003.parquet" not in finished
    assert not list((tmp_path / "labels").glob(".*"))
    assert label(predictor, photos, tmp_path / "labels", shard_size=4).labelled == 9


def test_a_teacher_whose_labels_cannot_be_coded_writes_no_shard(photos: Path, tmp_path: Path) -> None:
    class Negative(DepthPredictor):
        def _launch(self, inputs: Any, sizes: Any, again: bool = False) -> Callable[[], list[np.ndarray]]:
            values = super()._launch(inputs, sizes, again)
            return lambda: [-each - 1 for each in values()]

    plain = tiny_predictor()
    predictor = Negative(plain.model, plain.processor)
    with pytest.raises(ValueError, match=r"the teacher failed on all images of a shard.*use encoding='linear'"):
        label(predictor, photos, tmp_path / "labels", encoding="log")


class ShortOfMemory(DepthPredictor):
    """Its pass fails for upright images as long as `is_short`."""

    is_short = True

    def _launch(self, inputs: Any, sizes: Any, again: bool = False) -> Callable[[], list[np.ndarray]]:
        if self.is_short and any(height > width for height, width in sizes):
            raise torch.OutOfMemoryError("out of memory")
        return super()._launch(inputs, sizes, again)


def test_a_pass_that_failed_is_no_result_and_is_tried_again(photos: Path, tmp_path: Path) -> None:
    plain = tiny_predictor()
    predictor = ShortOfMemory(plain.model, plain.processor)
    options: dict[str, Any] = {"shard_size": 3, "store_images": "reference", "keep_order": True}
    with pytest.raises(ValueError, match=r"3 shards could not be made: .*00000-of.*2.jpg: OutOfMemoryError.*00002-of"):
        label(predictor, photos, tmp_path / "labels", **options)
    assert sorted(contents(tmp_path / "labels")) == [PROVENANCE_FILE]
    predictor.is_short = False
    again = label(predictor, photos, tmp_path / "labels", **options)
    assert (again.labelled, again.skipped) == (7, [])


def test_images_that_always_fail_are_left_out_and_may_be_tried_again(photos: Path, tmp_path: Path) -> None:
    plain = tiny_predictor()
    predictor = ShortOfMemory(plain.model, plain.processor)
    options: dict[str, Any] = {"shard_size": 3, "keep_order": True}
    with pytest.raises(
        ValueError, match=r"2.jpg: OutOfMemoryError: out of memory \(try 1 of 2, then it is left out\)"
    ):
        label(predictor, photos, tmp_path / "labels", **options)
    second = label(predictor, photos, tmp_path / "labels", **options)
    assert (second.labelled, second.labelled_now) == (3, 3)
    assert [Path(name).name for name, _ in second.skipped] == ["0.jpg", "2.jpg", "4.jpg", "6.jpg"]
    assert all(reason == "OutOfMemoryError: out of memory" for _, reason in second.skipped)
    assert not list((tmp_path / "labels" / "tries").iterdir())
    done = label(predictor, photos, tmp_path / "labels", **options)
    assert done == second and done.labelled_now == 0
    predictor.is_short = False
    verify_labels(tmp_path / "labels", remove_skipped=True)
    again = label(predictor, photos, tmp_path / "labels", **options)
    assert (again.labelled, again.labelled_now, again.skipped) == (7, 7, [])


def test_an_image_that_is_too_thin_for_training_gets_no_label(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    Image.fromarray(random_image((20, 1001), 7)).save(photos / "panorama.png")
    Image.fromarray(random_image((1500, 30), 8)).save(photos / "tower.png")
    report = label(predictor, photos, tmp_path / "labels", shard_size=9)
    ((name, reason),) = report.skipped
    assert report.labelled == 8 and Path(name).name == "panorama.png"
    assert "20 x 1001 (height x width) is too long and thin to train on" in reason
    assert verify_labels(tmp_path / "labels").is_sound


def test_one_image_without_a_prediction_does_not_keep_its_shard_absent(photos: Path, tmp_path: Path) -> None:
    class BrokenOnOne(DepthPredictor):
        def _launch(self, inputs: Any, sizes: Any, again: bool = False) -> Callable[[], list[np.ndarray]]:
            values = super()._launch(inputs, sizes, again)
            return lambda: [
                each * (np.nan if size == (11, 30) else 1) for each, size in zip(values(), sizes, strict=True)
            ]

    plain = tiny_predictor()
    predictor = BrokenOnOne(plain.model, plain.processor)
    # The last one, alone in its shard.
    Image.fromarray(random_image((11, 30), 7)).save(photos / "z.png")
    options: dict[str, Any] = {"shard_size": 7, "keep_order": True}
    with pytest.raises(ValueError, match=r"1 shard could not be made.*failed on all of its images.*z.png.*try 1 of 2"):
        label(predictor, photos, tmp_path / "labels", **options)
    report = label(predictor, photos, tmp_path / "labels", **options)
    assert report.labelled == 7 and [Path(name).name for name, _ in report.skipped] == ["z.png"]


def test_many_unreadable_images_are_an_outage_and_no_result(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    for number in range(8):
        (photos / f"lost-{number}.jpg").write_bytes(b"")
    lost = PhotoFolder(sorted(photos.glob("lost*")))
    with pytest.raises(ValueError, match=r"1 shard could not be made: labels-00000.*none of its 8 images"):
        label_images(predictor, lost, tmp_path / "labels", provenance=PROVENANCE, progress=False)
    assert sorted(contents(tmp_path / "labels")) == [PROVENANCE_FILE]


def test_a_run_stops_when_most_images_cannot_be_read_and_skipped_ones_are_tried_again(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    content = (photos / "0.jpg").read_bytes()
    for number in range(40):
        (photos / f"z{number:02d}.jpg").write_bytes(b"" if number < 20 else content)
    with pytest.raises(ValueError, match=r"11 of .* images could not be read, more than max_broken_share 0.1"):
        label(predictor, photos, tmp_path / "labels", shard_size=4)
    for number in range(20):
        (photos / f"z{number:02d}.jpg").write_bytes(content)
    label(predictor, photos, tmp_path / "labels", shard_size=4)
    found = verify_labels(tmp_path / "labels", remove_skipped=True)
    assert found.skipped and found.missing and not found.is_sound
    assert label(predictor, photos, tmp_path / "labels", shard_size=4).labelled == 47
    assert verify_labels(tmp_path / "labels").skipped == []
