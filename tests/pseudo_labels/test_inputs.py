# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which image is in which shard, under which name, and as which bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from file_server import FileServer
from label_runs import (
    PROVENANCE,
    Samples,
    contents,
    label,
    label_stream,
    random_image,
    write_parquet,
    write_tar,
)
from PIL import Image
from sample_files import write_tar_members

from depth_anything_hf.data.depth_stream import DepthStream
from depth_anything_hf.data.remote.file_systems import Patience
from depth_anything_hf.data.remote.remote_shards import RemoteShards
from depth_anything_hf.data.remote.shard_cache import ShardCache
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.dataset_card import write_label_card
from depth_anything_hf.pseudo_labels.fill_shards import LabelReport, label_images
from depth_anything_hf.pseudo_labels.provenance import PROVENANCE_FILE
from depth_anything_hf.pseudo_labels.verify import verify_labels
from depth_anything_hf.utils.cache_folder import CACHE_VARIABLE


def test_shards_hold_consecutive_images_in_one_row_group(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    report = label(predictor, photos, tmp_path / "labels", keep_order=True)
    assert (report.labelled, report.skipped) == (7, [])
    assert [path.name for path in report.shards] == [f"labels-0000{shard}-of-00003.parquet" for shard in range(3)]
    assert sorted(contents(tmp_path / "labels")) == [*(path.name for path in report.shards), PROVENANCE_FILE]
    names = [pq.read_table(path)["name"].to_pylist() for path in report.shards]
    files = [str(path) for path in sorted(photos.rglob("*.jpg"))]
    assert names == [files[:3], files[3:6], files[6:]]
    assert [pq.read_metadata(path).num_row_groups for path in report.shards] == [1, 1, 1]


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
    rows = sorted(pq.read_table(report.shards[0]).to_pylist(), key=lambda row: row["source_row"])
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
    rows = sorted(pq.read_table(report.shards[0]).to_pylist(), key=lambda row: row["source_row"])
    assert [row["image"]["bytes"] for row in rows] == [path.read_bytes() for path in files]
    # All rows hold the same path, which must not become the name of all.
    assert [row["name"] for row in rows] == [f"row {index} (photo.jpg)" for index in range(7)]
    assert [row["source_row"] for row in rows] == list(range(7))
    assert verify_labels(tmp_path / "labels").is_sound


def test_names_lose_the_folder_they_are_relative_to(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    report = label(predictor, photos, tmp_path / "labels", names_relative_to=photos, keep_order=True)
    names = [name for path in report.shards for name in pq.read_table(path)["name"].to_pylist()]
    assert names == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "more/4.jpg", "more/5.jpg", "more/6.jpg"]
    assert all(str(tmp_path).encode() not in content for content in contents(tmp_path / "labels").values())
    assert report.skipped[0][1].startswith("broken.jpg: ")


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


def test_a_stalled_input_shard_leaves_its_output_absent_and_named(
    predictor: DepthPredictor, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    files = {path.name: path.read_bytes() for path in sorted(tables.glob("*.parquet"))}
    label_stream(predictor, tables, tmp_path / "local")
    options: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 2, "progress": False}
    with FileServer(files) as server:
        # Neither the first file, whose columns are read, nor the last.
        stalled = list(files)[1]
        urls = [f"{server.url}/{name}" for name in files]
        cache = ShardCache(10**9, Patience(0.5, tries=2, stalls=1))
        stream = DepthStream(RemoteShards("parquet", urls, "remote", cache), "remote")
        server.always[stalled] = "stall"
        with pytest.raises(ValueError, match=rf"1 input shard could not be read: shard 1: .*{stalled}: stalled"):
            label_images(predictor, stream, tmp_path / "remote", **options)
        whole = {name for name in contents(tmp_path / "local") if "-of-" not in name or "00001-of" not in name}
        assert set(contents(tmp_path / "remote")) == whole
        server.always.clear()
        label_images(predictor, stream, tmp_path / "remote", **options)
    assert contents(tmp_path / "remote") == contents(tmp_path / "local")


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


@pytest.mark.parametrize("shape", ["{}.jpg", "./s/{}.jpg", "{}.v.1.jpg", "long/" + "x" * 150 + "/{}.jpg"])
def test_pictures_of_archives_have_the_same_names_whole_and_streamed(
    predictor: DepthPredictor, photos: Path, tmp_path: Path, table_cache: None, shape: str
) -> None:
    files, root = sorted(photos.rglob("*.jpg")), tmp_path / "tables"
    for archive, pictures in (("x/a.tar", files[:2]), ("y/a.tar.gz", files[2:4])):
        members = {shape.format(number): path.read_bytes() for number, path in enumerate(pictures)}
        write_tar_members(root / archive, members)
    found = []
    for streaming in (False, True):
        source = open_source(DataSource(str(root), kind="photos", streaming=streaming))
        options: dict[str, Any] = {"provenance": PROVENANCE, "progress": False, "keep_order": True}
        folder = tmp_path / f"labels {streaming}"
        report = label_images(predictor, source, folder, store_images="reference", **options)
        rows = [row for path in report.shards for row in pq.read_table(path).to_pylist()]
        assert report.labelled == 4
        found.append([(row["name"], row["image"]) for row in rows])
    assert found[0] == found[1]
    inner = shape.removeprefix("./")
    names = [f"{archive}/{inner.format(number)}" for archive in ("x/a.tar", "y/a.tar.gz") for number in range(2)]
    assert [name for name, _ in found[0]] == names
    assert found[0][0][1] == f"tar://{shape.format(0)}::../tables/x/a.tar"


def test_a_file_that_cannot_be_read_is_named_and_does_not_stop_the_others(
    predictor: DepthPredictor, tables: Path, tmp_path: Path
) -> None:
    sound = (tables / "0.parquet").read_bytes()
    stream = open_source(DataSource(str(tables), kind="photos", streaming=True))
    (tables / "0.parquet").write_bytes(sound[:-2000])
    options: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 2, "progress": False}
    with pytest.raises(
        ValueError, match=r"1 input shard could not be read: shard 0: ArrowInvalid.*All other shards are complete"
    ):
        label_images(predictor, stream, tmp_path / "labels", **options)
    assert verify_labels(tmp_path / "labels").missing == ["labels-00000-of-00003-0000.parquet"]
    (tables / "0.parquet").write_bytes(sound)
    assert label_stream(predictor, tables, tmp_path / "labels").labelled == 7
    assert verify_labels(tmp_path / "labels").is_sound


@pytest.mark.parametrize("kind", ["photos", "tables", "lines", "stream"])
def test_a_run_whose_output_is_inside_its_input_is_resumed(
    predictor: DepthPredictor, photos: Path, tables: Path, tmp_path: Path, kind: str
) -> None:
    folder = {"photos": photos, "lines": tmp_path / "lines"}.get(kind, tables)
    if kind == "lines":
        folder.mkdir()
        rows = [f'{{"image": "../photos/{name}.jpg"}}\n' for name in range(4)]
        (folder / "table.jsonl").write_text("".join(rows))

    def run() -> LabelReport:
        source = DataSource(str(folder), kind="photos", streaming=kind == "stream")
        options: dict[str, Any] = {"provenance": PROVENANCE, "shard_size": 2, "progress": False}
        return label_images(predictor, open_source(source), folder / "out" / "labels", **options)

    report = run()
    assert report.labelled == (4 if kind == "lines" else 7)
    # The card's pictures are no photographs of the input.
    write_label_card(folder / "out" / "labels", title="x")
    for shard in report.shards[1:]:
        shard.unlink()
    assert run() == report
    for shard in report.shards:
        shard.unlink()
    assert run() == report
