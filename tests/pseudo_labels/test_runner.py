# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about pseudo-label shards: what they hold, who reads them, and what happens when a run is repeated."""

from __future__ import annotations

import hashlib
import io
import json
import resource
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import datasets
import huggingface_hub
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from transformers import Dinov2Config

from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.decoding.disparity_codec import decode_disparity
from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.pseudo_labels.provenance import PROVENANCE_FILE, describe_teacher
from depth_anything_hf.pseudo_labels.runner import LabelReport, label_images
from depth_anything_hf.pseudo_labels.verify import verify_labels


SIDE = 42
COLUMNS = [
    *("image", "disparity", "disparity_minimum", "disparity_maximum", "disparity_encoding"),
    *("name", "source_row", "width", "height"),
]
PROVENANCE: dict[str, Any] = {"teacher": "tiny", "input_size": SIDE}


def tiny_predictor(batch_size: int = 2, **options: Any) -> DepthPredictor:
    torch.manual_seed(0)
    encoder = Dinov2Config(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=70)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder, **options))
    return DepthPredictor(model, DepthAnythingImageProcessor.for_input_size(SIDE), batch_size=batch_size)


@pytest.fixture(scope="module")
def predictor() -> DepthPredictor:
    return tiny_predictor()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Seven pictures of two sizes; the last lies on its side and says so in its EXIF data."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(6):
        image = random_image((30, 40) if number % 2 else (40, 30), number)
        Image.fromarray(image).save(folder / ("more" if number > 3 else "") / f"{number}.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(random_image((30, 40), 6)).save(folder / "more" / "6.jpg", exif=exif)
    return folder


def random_image(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def label(predictor: DepthPredictor, photos: Path, output: Path, **options: Any) -> LabelReport:
    settings: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 3, "progress": False, **options}
    return label_images(predictor, PhotoFolder(photos), output, **settings)


def contents(folder: Path) -> dict[str, bytes]:
    """Files without the manifest, which has an entry for each shard."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    entries = sorted(path.stem for path in folder.glob("manifest/*"))
    assert entries == sorted(Path(name).stem for name in files if name.endswith(".parquet"))
    return files


class Samples:
    """A dataset in memory, whose names are no files."""

    label: str | None = None

    def __init__(self, samples: list[dict[str, Any]]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.samples[index]


def test_shards_hold_consecutive_images_in_one_row_group(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    report = label(predictor, photos, tmp_path / "labels")
    assert (report.labelled, report.skipped) == (7, [])
    assert [path.name for path in report.shards] == [f"labels-0000{shard}-of-00003.parquet" for shard in range(3)]
    assert sorted(contents(tmp_path / "labels")) == [*(path.name for path in report.shards), PROVENANCE_FILE]
    names = [pq.read_table(path)["name"].to_pylist() for path in report.shards]
    files = [str(path) for path in sorted(photos.rglob("*.jpg"))]
    assert names == [files[:3], files[3:6], files[6:]]
    assert [pq.read_metadata(path).num_row_groups for path in report.shards] == [1, 1, 1]


@pytest.mark.parametrize("as_folder", [True, False])
def test_load_dataset_reads_the_shards_as_pictures(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, as_folder: bool
) -> None:
    # One shard beside provenance.json: as many parquet files as JSON files.
    report = label(predictor, photos, tmp_path / "labels", shard_size=100)
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
    label(predictor, photos, tmp_path / "labels")
    labelled, unlabelled = open_source(str(tmp_path / "labels")), PhotoFolder(photos)
    assert labelled.label == "disparity" and len(labelled) == 7
    for index in range(7):
        sample, expected = labelled[index], predictor.predict(unlabelled[index]["image"])
        np.testing.assert_array_equal(sample["image"], unlabelled[index]["image"])
        half_step = (expected.max() - expected.min()) / 65534 / 2
        # Beside the code step: float32 rounding, and the sums of a pass of two images instead of one.
        np.testing.assert_allclose(sample["disparity"], expected, rtol=0, atol=half_step + 1e-6)


def test_the_bytes_of_picture_files_are_kept(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    report = label(predictor, photos, tmp_path / "labels")
    for path in report.shards:
        for row in pq.read_table(path).to_pylist():
            assert row["image"]["bytes"] == Path(row["name"]).read_bytes()
            assert row["image"]["path"] == Path(row["name"]).name


def test_images_that_are_not_the_file_of_their_name_become_png(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    images = [random_image((30, 40), 100), random_image((20, 20), 101)]
    names = ["row 0", str(photos / "1.jpg")]
    dataset = Samples([{"image": image, "name": name} for image, name in zip(images, names, strict=True)])
    report = label_images(predictor, dataset, tmp_path / "labels", provenance=PROVENANCE, progress=False)
    rows = pq.read_table(report.shards[0]).to_pylist()
    for row, image in zip(rows, images, strict=True):
        stored = Image.open(io.BytesIO(row["image"]["bytes"]))
        assert stored.format == "PNG" and row["image"]["path"].endswith(".png")
        np.testing.assert_array_equal(np.asarray(stored), image)


def test_pictures_embedded_in_tables_keep_their_bytes(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, table_cache: None
) -> None:
    files = sorted(photos.rglob("*.jpg"))
    write_parquet(tmp_path / "tables" / "photos.parquet", files)
    report = label_images(
        predictor,
        open_source(DataSource(str(tmp_path / "tables"), kind="photos")),
        tmp_path / "labels",
        provenance=PROVENANCE,
        progress=False,
    )
    rows = pq.read_table(report.shards[0]).to_pylist()
    assert [row["image"]["bytes"] for row in rows] == [path.read_bytes() for path in files]
    # All rows hold the same path, which must not become the name of all.
    assert [row["name"] for row in rows] == [f"row {index} (photo.jpg)" for index in range(7)]
    assert [row["source_row"] for row in rows] == list(range(7))
    assert verify_labels(tmp_path / "labels").is_sound


def test_labels_by_reference_open_and_hold_no_pictures(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    report = label(predictor, photos, tmp_path / "runs" / "labels", store_images="reference", names_relative_to=photos)
    rows = [row for path in report.shards for row in pq.read_table(path).to_pylist()]
    assert rows[4]["image"] == "../../photos/more/4.jpg" and rows[4]["name"] == "more/4.jpg"
    samples = open_source(str(tmp_path / "runs" / "labels"))
    np.testing.assert_array_equal(samples[4]["image"], PhotoFolder(photos)[4]["image"])
    assert verify_labels(tmp_path / "runs" / "labels").labelled == 7


def test_a_metric_teachers_depth_is_stored_as_disparity(photos: Path, tmp_path: Path) -> None:
    predictor = tiny_predictor(depth_estimation_type="metric", max_depth=20)
    report = label(predictor, photos, tmp_path / "labels")
    row = pq.read_table(report.shards[0]).to_pylist()[0]
    disparity = decode_disparity(row["disparity"]["bytes"], row["disparity_minimum"], row["disparity_maximum"])
    depth = predictor.predict(Path(row["name"]))
    np.testing.assert_allclose(disparity, 1 / depth, rtol=1e-4)


def test_names_lose_the_folder_they_are_relative_to(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    report = label(predictor, photos, tmp_path / "labels", names_relative_to=photos)
    names = [name for path in report.shards for name in pq.read_table(path)["name"].to_pylist()]
    assert names == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "more/4.jpg", "more/5.jpg", "more/6.jpg"]
    assert all(str(tmp_path).encode() not in content for content in contents(tmp_path / "labels").values())
    assert report.skipped[0][1].startswith("broken.jpg: ")


# Repeating and sharing


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
        def encoded(self, index: int) -> tuple[str, str]:
            if index == 5:
                raise KeyboardInterrupt
            return super().encoded(index)

    with pytest.raises(KeyboardInterrupt):
        label_images(
            predictor,
            Interrupted(photos),
            tmp_path / "labels",
            provenance=PROVENANCE,
            shard_size=3,
            progress=False,
        )
    assert sorted(contents(tmp_path / "labels")) == ["labels-00000-of-00003.parquet", PROVENANCE_FILE]
    assert label(predictor, photos, tmp_path / "labels").labelled == 7


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
    with pytest.raises(ValueError, match="the teacher failed on all images of a shard.*NaN"):
        label(broken, photos, tmp_path / "labels")
    assert sorted(contents(tmp_path / "labels")) == [PROVENANCE_FILE]


def test_another_runs_folder_is_refused_and_the_differences_named(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    label(predictor, photos, tmp_path / "labels")
    other = {**PROVENANCE, "input_size": 70}
    with pytest.raises(ValueError, match="output folder of another run.*input_size: 42 there, 70 now") as error:
        label(predictor, photos, tmp_path / "labels", provenance=other)
    assert "teacher" not in str(error.value)
    with pytest.raises(ValueError, match="shard_size: 3 there, 4 now"):
        label(predictor, photos, tmp_path / "labels", shard_size=4)
    (photos / "new.jpg").write_bytes((photos / "0.jpg").read_bytes())
    with pytest.raises(ValueError, match="images: 7 there, 8 now"):
        label(predictor, photos, tmp_path / "labels")


def test_labels_of_unknown_origin_are_not_mixed_in(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    label(predictor, photos, tmp_path / "labels")
    (tmp_path / "labels" / PROVENANCE_FILE).unlink()
    with pytest.raises(ValueError, match=f"without a {PROVENANCE_FILE}"):
        label(predictor, photos, tmp_path / "labels")


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


def test_a_teacher_is_described_by_its_weights_and_not_by_its_place(tmp_path: Path) -> None:
    for place in ("here", "there"):
        predictor = tiny_predictor()
        predictor.model.save_pretrained(tmp_path / place / "teacher")
        predictor.processor.save_pretrained(tmp_path / place / "teacher")
    folders = [tmp_path / place / "teacher" for place in ("here", "there")]
    here, there = (describe_teacher(DepthPredictor.from_pretrained(f, device="cpu"), f) for f in folders)
    assert here == there and json.loads(json.dumps(here)) == here
    weights = (folders[0] / "model.safetensors").read_bytes()
    assert here["weights_sha256"] == {"model.safetensors": hashlib.sha256(weights).hexdigest()}
    assert (here["teacher"], here["prediction_kind"], here["input_size"]) == ("teacher", "disparity", SIDE)


# Streams


def write_parquet(path: Path, pictures: list[Path]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = datasets.Features({"image": datasets.Image()}).arrow_schema
    with pq.ParquetWriter(path, schema) as writer:
        for picture in pictures:
            cell = {"bytes": picture.read_bytes(), "path": "photo.jpg"}
            writer.write_table(pa.Table.from_pylist([{"image": cell}], schema=schema))


def write_tar(path: Path, pictures: list[Path]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for index, picture in enumerate(pictures):
            archive.add(picture, f"{index:04d}.jpg")


@pytest.fixture
def tables(photos: Path, tmp_path: Path, table_cache: None) -> Path:
    """The seven pictures in three parquet files of five, none and two."""
    files = sorted(photos.rglob("*.jpg"))
    for number, part in enumerate([files[:5], [], files[5:]]):
        write_parquet(tmp_path / "tables" / f"{number}.parquet", part)
    return tmp_path / "tables"


def label_stream(predictor: DepthPredictor, tables: Path, output: Path, **options: Any) -> LabelReport:
    stream = open_source(DataSource(str(tables), kind="photos", streaming=True))
    settings: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 2, "progress": False, **options}
    return label_images(predictor, stream, output, **settings)


def test_a_stream_gives_output_shards_that_follow_its_files(
    predictor: DepthPredictor, photos: Path, tables: Path, tmp_path: Path
) -> None:
    report = label_stream(predictor, tables, tmp_path / "labels")
    numbers = ["00000-of-00003-0000", "00000-of-00003-0001", "00000-of-00003-0002", "00001-of-00003-0000"]
    assert [path.name for path in report.shards] == [
        f"labels-{number}.parquet" for number in [*numbers, "00002-of-00003-0000"]
    ]
    rows = [row for path in report.shards for row in pq.read_table(path).to_pylist()]
    assert [row["image"]["bytes"] for row in rows] == [path.read_bytes() for path in sorted(photos.rglob("*.jpg"))]
    assert [row["source_row"] for row in rows] == [0, 1, 2, 3, 4, 0, 1]
    assert rows[5]["name"] == "shard 2 row 0 (photo.jpg)"
    assert report.labelled == 7 and verify_labels(tmp_path / "labels").is_sound


def test_processes_share_the_files_of_a_stream_and_a_repeated_run_makes_what_is_missing(
    predictor: DepthPredictor, tables: Path, tmp_path: Path
) -> None:
    alone = label_stream(predictor, tables, tmp_path / "alone")
    expected = contents(tmp_path / "alone")
    for index in range(2):
        label_stream(predictor, tables, tmp_path / "shared", process_index=index, process_count=2)
    assert contents(tmp_path / "shared") == expected
    (tmp_path / "shared" / alone.shards[1].name).unlink()
    (tmp_path / "shared" / alone.shards[4].name).write_bytes(b"torn")
    assert len(verify_labels(tmp_path / "shared", remove_damaged=True).damaged) == 1
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "shared").glob("*.parquet")}
    assert label_stream(predictor, tables, tmp_path / "shared").labelled == 7
    assert contents(tmp_path / "shared") == expected
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_finished_file_of_a_stream_is_not_read_again(
    predictor: DepthPredictor, tables: Path, tmp_path: Path
) -> None:
    report = label_stream(predictor, tables, tmp_path / "labels")
    report.shards[-1].unlink()
    with (tables / "0.parquet").open("r+b") as file:
        file.truncate(1000)
        file.seek(0)
        file.write(b"XXXX")
    stream = DepthStream(
        datasets.load_dataset(
            "parquet",
            data_files=[str(path) for path in sorted(tables.iterdir())],
            features=datasets.Features({"image": datasets.Image()}),
            split="train",
            streaming=True,
        ),
        "tables",
    )
    again = label_images(predictor, stream, tmp_path / "labels", provenance=PROVENANCE, shard_size=2, progress=False)
    assert again == report


def test_webdataset_archives_are_labelled_and_named_by_archive_and_key(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, table_cache: None
) -> None:
    files = sorted(photos.rglob("*.jpg"))
    write_tar(tmp_path / "tables" / "a.tar", files[:3])
    write_tar(tmp_path / "tables" / "b.tar", files[3:])
    report = label_stream(predictor, tmp_path / "tables", tmp_path / "labels", shard_size=100)
    rows = [row for path in report.shards for row in pq.read_table(path).to_pylist()]
    assert [row["name"] for row in rows[2:5]] == ["a.tar/0002.jpg", "b.tar/0000.jpg", "b.tar/0001.jpg"]
    assert [row["image"]["bytes"] for row in rows] == [path.read_bytes() for path in files]
    referred = label_stream(predictor, tmp_path / "tables", tmp_path / "lean", store_images="reference")
    reference = pq.read_table(referred.shards[-1]).to_pylist()[-1]["image"]
    assert reference == "tar://0003.jpg::../tables/b.tar"


def test_a_file_that_cannot_be_read_is_named_and_does_not_stop_the_others(
    predictor: DepthPredictor, tables: Path, tmp_path: Path
) -> None:
    sound = (tables / "0.parquet").read_bytes()
    stream = open_source(DataSource(str(tables), kind="photos", streaming=True))
    (tables / "0.parquet").write_bytes(sound[:-2000])
    options: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 2, "progress": False}
    with pytest.raises(
        ValueError, match="1 input shards could not be read: shard 0: ArrowInvalid.*All others are complete"
    ):
        label_images(predictor, stream, tmp_path / "labels", **options)
    assert verify_labels(tmp_path / "labels").missing == ["labels-00000-of-00003-0000.parquet"]
    (tables / "0.parquet").write_bytes(sound)
    assert label_stream(predictor, tables, tmp_path / "labels").labelled == 7
    assert verify_labels(tmp_path / "labels").is_sound


# Accidents


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
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="labels-00001-of-00003.parquet cannot be written.*finished shards stay"):
            label(predictor, photos, tmp_path / "labels", shard_size=4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
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
    with pytest.raises(ValueError, match="the teacher failed on all images of a shard.*use encoding='linear'"):
        label(predictor, photos, tmp_path / "labels", encoding="log")


def test_a_metric_teachers_labels_in_the_logarithmic_code_open(photos: Path, tmp_path: Path) -> None:
    predictor = tiny_predictor(depth_estimation_type="metric", max_depth=20)
    label(predictor, photos, tmp_path / "labels", encoding="log")
    sample = open_source(str(tmp_path / "labels"))[0]
    np.testing.assert_allclose(sample["disparity"], 1 / predictor.predict(Path(sample["name"])), rtol=1e-4)
    assert verify_labels(tmp_path / "labels").is_sound


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
    with pytest.raises(ValueError, match="3 shards could not be made: .*00000-of.*2.jpg: OutOfMemoryError.*00002-of"):
        label(predictor, photos, tmp_path / "labels", shard_size=3, store_images="reference", progress=False)
    assert sorted(contents(tmp_path / "labels")) == [PROVENANCE_FILE]
    predictor.is_short = False
    again = label(predictor, photos, tmp_path / "labels", shard_size=3, store_images="reference")
    assert (again.labelled, again.skipped) == (7, [])


def test_many_unreadable_images_are_an_outage_and_no_result(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    for number in range(8):
        (photos / f"lost-{number}.jpg").write_bytes(b"")
    lost = PhotoFolder(sorted(photos.glob("lost*")))
    with pytest.raises(ValueError, match="1 shards could not be made: labels-00000.*none of its 8 images"):
        label_images(predictor, lost, tmp_path / "labels", provenance=PROVENANCE, progress=False)
    assert sorted(contents(tmp_path / "labels")) == [PROVENANCE_FILE]


def test_a_run_stops_when_most_images_cannot_be_read_and_skipped_ones_are_tried_again(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    content = (photos / "0.jpg").read_bytes()
    for number in range(40):
        (photos / f"z{number:02d}.jpg").write_bytes(b"" if number < 20 else content)
    with pytest.raises(ValueError, match="11 of .* images could not be read, more than the share 0.1"):
        label(predictor, photos, tmp_path / "labels", shard_size=4)
    for number in range(20):
        (photos / f"z{number:02d}.jpg").write_bytes(content)
    label(predictor, photos, tmp_path / "labels", shard_size=4)
    found = verify_labels(tmp_path / "labels", remove_skipped=True)
    assert found.skipped and found.missing and not found.is_sound
    assert label(predictor, photos, tmp_path / "labels", shard_size=4).labelled == 47
    assert verify_labels(tmp_path / "labels").skipped == []


def test_other_images_of_the_same_number_are_refused(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    label(predictor, photos, tmp_path / "labels")
    (photos / "0.jpg").rename(photos / "00.jpg")
    with pytest.raises(ValueError, match="output folder of another run .names_sha256"):
        label(predictor, photos, tmp_path / "labels")


def test_two_runs_with_other_settings_that_begin_at_once_do_not_mix(photos: Path, tmp_path: Path) -> None:
    barrier = Barrier(4)

    def run(side: int) -> bool:
        predictor = tiny_predictor()
        barrier.wait()
        try:
            label(predictor, photos, tmp_path / "labels", provenance={"side": side})
        except ValueError as error:
            assert "output folder of another run" in str(error)
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 1
