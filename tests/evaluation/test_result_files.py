# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of an evaluation are replaced by the next one; the user's files of the same names are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from predictors import brightness, make_dataset, predictor

from depth_anything_hf.evaluation.evaluator import evaluate
from depth_anything_hf.evaluation.reports import save_report
from depth_anything_hf.evaluation.result_files import CARD_FILE, RESULTS_FILE, ROWS_FILE, SHEET_FILE
from depth_anything_hf.evaluation.runner import EvaluationArguments, run
from depth_anything_hf.visualization.encode import encode_jpeg, jpeg_comment


def report(folder: Path, **options: Any) -> None:
    dataset = make_dataset(2, (30, 40))
    result = evaluate(predictor(brightness), dataset, prediction_kind="disparity")
    save_report(folder, result, dataset, predictor(brightness), **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", [RESULTS_FILE, ROWS_FILE, CARD_FILE, SHEET_FILE])
def test_a_file_of_the_user_is_not_replaced(tmp_path: Path, name: str) -> None:
    theirs = {
        RESULTS_FILE: b'{"mean": 3, "settings": {}}',
        CARD_FILE: b'{"a": {"metrics": {}}}',
        ROWS_FILE: b"PAR1",
        SHEET_FILE: encode_jpeg(np.zeros((8, 9, 3), np.uint8)),
    }
    (tmp_path / name).write_bytes(theirs[name])
    with pytest.raises(FileExistsError, match=rf"{name}: already there .* or replace them by --overwrite"):
        report(tmp_path)
    assert contents(tmp_path) == {name: theirs[name]}, "nothing else was written"
    report(tmp_path, overwrite=True)
    assert len(contents(tmp_path)) == 4 and contents(tmp_path)[name] != theirs[name]


def test_an_earlier_evaluation_is_replaced_whichever_files_of_it_are_left(tmp_path: Path) -> None:
    report(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    first = contents(tmp_path)
    for name in (RESULTS_FILE, ROWS_FILE, CARD_FILE, SHEET_FILE):
        for other in {RESULTS_FILE, ROWS_FILE, CARD_FILE, SHEET_FILE} - {name}:
            (tmp_path / other).unlink(missing_ok=True)
        report(tmp_path)
        assert contents(tmp_path) == first


def test_files_of_earlier_versions_are_known(tmp_path: Path) -> None:
    report(tmp_path)
    record = json.loads((tmp_path / RESULTS_FILE).read_text())
    del record["format"]
    (tmp_path / RESULTS_FILE).write_text(json.dumps(record))
    rows = pq.read_table(tmp_path / ROWS_FILE)
    pq.write_table(rows.replace_schema_metadata(None), tmp_path / ROWS_FILE)
    (tmp_path / SHEET_FILE).write_bytes(encode_jpeg(np.zeros((8, 9, 3), np.uint8)))
    report(tmp_path)
    assert jpeg_comment(tmp_path / SHEET_FILE) == "depth_anything_hf.evaluation"


def test_links_and_tables_of_others_are_the_users(tmp_path: Path) -> None:
    report(tmp_path / "real")
    out = tmp_path / "out"
    out.mkdir()
    (out / RESULTS_FILE).symlink_to(tmp_path / "real" / RESULTS_FILE)
    pq.write_table(pa.table({"name": ["a"], "score": [1.0]}), out / ROWS_FILE)
    with pytest.raises(FileExistsError, match=rf"{RESULTS_FILE}, .*{ROWS_FILE}: already there"):
        report(out)
    (tmp_path / "folder" / SHEET_FILE).mkdir(parents=True)
    with pytest.raises(IsADirectoryError, match=SHEET_FILE):
        report(tmp_path / "folder", overwrite=True)


def test_an_output_is_refused_before_the_model_is_opened(labelled_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / RESULTS_FILE).write_text("{}")
    (tmp_path / "file").write_text("text")
    for place, message in (
        (tmp_path / "out", "results.json: already there"),
        (tmp_path / "file" / "below", "is a file"),
        (labelled_folder / "scores", "lies in the data"),
        (labelled_folder, "lies in the data"),
    ):
        arguments = EvaluationArguments("no/such-model", data=str(labelled_folder), output_dir=str(place))
        with pytest.raises((OSError, ValueError), match=message):
            run(arguments)
