# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Reviews of labels: the order, the cut, page, sheet and lists, and that training takes the list."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_runs import tiny_predictor
from label_shards import row, write_shard
from masked_labels import masked_row, write_masked_shard
from PIL import Image
from readable_pages import problems_of

from depth_anything_hf.data.drop_list import DroppedRow, read_drop_list
from depth_anything_hf.data.own_pictures import is_own_picture
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.evaluation.html_charts import histogram
from depth_anything_hf.evaluation.label_review import review_stored, suggest_cut
from depth_anything_hf.evaluation.review_runner import ReviewArguments, run_review


ROWS = 24


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Of 24 labels in two shards the teachers disagree at row 5 and most at row 17; the fit of row 3 is bad."""
    rows = [
        masked_row(
            f"photo {index}.png",
            source_row=100 + index,
            teachers_share={5: 0.5, 17: 0.9}.get(index, 0.01 + index / 1000),
            fit_residual=0.02 if index != 3 else 0.7,
            fit_ok=index != 3,
        )
        for index in range(ROWS)
    ]
    for shard, block in enumerate((rows[:10], rows[10:])):
        write_masked_shard(tmp_path / "labels" / f"labels-{shard:05d}-of-00002.parquet", block)
    return tmp_path / "labels"


def test_rows_are_ranked_by_what_was_stored(labels: Path) -> None:
    samples = open_source({"path": str(labels), "keep_bad_fits": True})
    review = review_stored(samples)
    assert review.by == "teachers"
    worst = review.rows(samples, review.order()[:3].tolist())
    assert [(each.index, each.name, each.source_row) for each in worst] == [
        (17, "photo 17.png", 117),
        (5, "photo 5.png", 105),
        (23, "photo 23.png", 123),
    ]
    assert worst[0].value == pytest.approx(0.9)
    assert worst[0].numbers["fit_residual"] == pytest.approx(0.02)
    by_fit = review_stored(samples, "fit")
    assert by_fit.order()[0] == 3
    assert by_fit.rows(samples, [3])[0].numbers["fit_ok"] is False
    with pytest.raises(ValueError, match=r"--by flip needs the column flip_share.* have teachers, fit.*--masks flip"):
        review_stored(samples, "flip")


def test_the_cut_is_the_outer_fence() -> None:
    values = np.arange(40) / 100
    assert suggest_cut(values) is None
    # With one more value the quartiles are 0.1 and 0.3.
    assert suggest_cut(np.append(values, [np.nan, 5.0])) == pytest.approx(0.3 + 3 * 0.2)
    assert suggest_cut(np.array([0.0] * 18 + [9.0])) is None


def test_a_review_lists_what_stands_out_and_training_leaves_it_out(labels: Path, tmp_path: Path) -> None:
    told: list[str] = []
    folder = tmp_path / "review"
    report = run_review(ReviewArguments(str(labels), str(folder), worst=5), tell=told.append)
    assert (report.rows, report.dropped) == (ROWS, 2)
    assert list(read_drop_list(folder / "drop.txt")) == [
        DroppedRow("photo 17.png", 117),
        DroppedRow("photo 5.png", 105),
    ]
    text = (folder / "drop.txt").read_text()
    assert "#photo 23.png\t123\n" in text
    entries = [json.loads(line) for line in (folder / "drop.jsonl").read_text().splitlines()]
    assert entries[0] == {
        "name": "photo 17.png",
        "source_row": 117,
        "place": "labels-00001-of-00002.parquet, row 7",
        "teachers": pytest.approx(0.9),
    }
    assert "2 rows in" in told[0]
    for name in ("drop.txt", "drop.jsonl"):
        samples = open_source({"path": str(labels), "drop": str(folder / name)})
        assert len(samples) == ROWS - 3
    assert is_own_picture(folder / "worst.png")
    with Image.open(folder / "worst.png") as sheet:
        # Five rows of three pictures, 200 pixels high.
        assert sheet.height > 5 * 200
        assert sheet.width > 3 * 200


def test_the_page_can_be_read_without_eyes_and_mouse(labels: Path, tmp_path: Path) -> None:
    run_review(ReviewArguments(str(labels), str(tmp_path / "review"), worst=4))
    page = (tmp_path / "review" / "review.html").read_text()
    tags: list[tuple[str, dict[str, Any]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append((tag, dict(attrs)))

    Reader().feed(page)
    assert problems_of(page) == []
    pictures = [each for tag, each in tags if tag == "img"]
    assert len(pictures) == 4 * 3
    assert pictures[2]["alt"] == "orange: the mask teachers, photo 17.png"
    assert "<figcaption>orange: the mask teachers</figcaption>" in page
    assert "2 of 24 labels stand out" in page
    targets = {each["id"] for tag, each in tags if tag == "article"}
    links = [each["href"].removeprefix("#") for tag, each in tags if tag == "a"]
    assert links == ["row-1", "row-2", "row-3", "row-4"]
    assert set(links) == targets
    assert all(each.get("tabindex") == "0" for tag, each in tags if each.get("class") == "pictures")
    drawing = next(each for tag, each in tags if tag == "svg")
    assert "24 values from 0.01 to 0.9; 2 above the line at" in drawing["aria-label"]
    assert not any(each.get("src", "").startswith("http") for _, each in tags)


def test_nothing_is_listed_where_no_row_stands_out(labels: Path, tmp_path: Path) -> None:
    report = run_review(ReviewArguments(str(labels), str(tmp_path / "a"), by="fit", worst=2, limit=3))
    assert (report.cut, report.dropped) == (None, 0)
    assert list(read_drop_list(tmp_path / "a" / "drop.txt")) == []
    assert "no row stands out" in (tmp_path / "a" / "drop.txt").read_text()


def test_rows_that_training_leaves_out_by_itself_are_counted(labels: Path, tmp_path: Path) -> None:
    told: list[str] = []
    run_review(ReviewArguments(str(labels), str(tmp_path / "review"), worst=2), tell=told.append)
    assert "1 of 24 labels have a bad fit" in told[0]
    assert "1 of 24 labels have a bad fit" in (tmp_path / "review" / "review.html").read_text()


def test_a_cut_may_be_given(labels: Path, tmp_path: Path) -> None:
    run_review(ReviewArguments(str(labels), str(tmp_path / "b"), by="fit", worst=2, cut=0.5))
    assert [each.name for each in read_drop_list(tmp_path / "b" / "drop.txt")] == ["photo 3.png"]
    assert "the fit is marked as bad" in (tmp_path / "b" / "review.html").read_text()


def test_an_edited_list_is_not_replaced_unasked(labels: Path, tmp_path: Path) -> None:
    arguments = {"labels": str(labels), "output_dir": str(tmp_path / "review"), "worst": 1}
    run_review(ReviewArguments(**arguments))
    (tmp_path / "review" / "drop.txt").write_text("edited\n")
    with pytest.raises(FileExistsError, match="a list may have been edited"):
        run_review(ReviewArguments(**arguments))
    assert (tmp_path / "review" / "drop.txt").read_text() == "edited\n"
    run_review(ReviewArguments(**arguments, overwrite=True))
    assert "photo 17" in (tmp_path / "review" / "drop.txt").read_text()
    with pytest.raises(ValueError, match="lies in the labels"):
        run_review(ReviewArguments(str(labels), str(labels / "review")))


def test_labels_that_say_nothing_need_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(f"{index}.png", source_row=index) for index in range(3)]
    folder = write_shard(tmp_path / "labels" / "labels-00000-of-00001.parquet", rows).parent
    with pytest.raises(ValueError, match="no numbers to review them by: give --model"):
        run_review(ReviewArguments(str(folder), str(tmp_path / "review")))
    predictor = tiny_predictor()
    predictor.model.save_pretrained(tmp_path / "model")
    predictor.processor.save_pretrained(tmp_path / "model")
    arguments = ReviewArguments(str(folder), str(tmp_path / "review"), model=str(tmp_path / "model"), cut=0.0)
    report = run_review(arguments)
    assert report.dropped == 3
    values = report.review.values
    listed = [each.source_row for each in read_drop_list(tmp_path / "review" / "drop.txt")]
    assert listed == list(np.argsort(-values, kind="stable"))
    page = (tmp_path / "review" / "review.html").read_text()
    assert page.count("<img") == 4 * 3
    assert "delta1" in page


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"by": "model"}, "needs --model"),
        ({"by": "fit", "model": "m"}, "leave --model or --by out"),
        ({"by": "luck"}, "luck"),
        ({"worst": 0}, "--worst"),
    ],
)
def test_arguments_that_do_not_go_together(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReviewArguments("labels", "review", **fields)


def test_a_histogram_counts_every_finite_value() -> None:
    text = histogram([0.0, 0.1, 0.1, 0.9, np.nan, np.inf], title="T", mark=0.5, bins=3)
    assert "T: 4 values from 0 to 0.9; 1 above the line at 0.5" in text
    assert text.count("<rect") == 2
    assert "No finite values" in histogram([np.nan], title="T")
    assert "<svg" in histogram([2.0, 2.0], title="T")
