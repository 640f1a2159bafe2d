# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table and the chart of a run folder: what they hold, and that kills and errors do them no harm."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from training_runs import ANCHORED, Interrupted, Signalled, log_of

from depth_anything_hf.training import summary
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.signals import RunInterrupted
from depth_anything_hf.training.state import RunGeometry
from depth_anything_hf.training.summary import results_table, training_chart


pytestmark = pytest.mark.usefixtures("fresh_accelerate")

MEASURED = ("images_per_second", "peak_memory_mib")


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The table without speed and memory, which no two runs share."""
    with open(folder / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name not in MEASURED} for row in rows]


def entry(step: int, **numbers: Any) -> dict[str, Any]:
    return {"step": step, "loss": 1 / step, "images_per_second": 8.0, **numbers}


GEOMETRY = RunGeometry(images_per_step=4, samples_per_epoch=16, total_steps=8)


def test_the_table_has_a_row_for_each_entry_of_training_and_evaluation(tmp_path, train, make_tiny_model, evaluation):
    train(tmp_path, make_tiny_model(), evaluation=evaluation, max_steps=4, eval_steps=2, logging_steps=2)
    rows, log = rows_of(tmp_path), log_of(tmp_path)
    assert [row["step"] for row in rows] == ["2", "2", "4", "4"]
    assert [row["epoch"] for row in rows] == ["0.5", "0.5", "1.0", "1.0"]
    names = list(rows[0])
    assert names[:3] == ["step", "epoch", "loss"] and names[-1].startswith("eval_")
    for row, logged in zip(rows, log, strict=True):
        for name, value in logged.items():
            assert (float(row[name]) if row[name] else None) == value, name
        assert all(row[name] == "" for name in names if name not in logged and name != "epoch")
    assert {"learning_rate_encoder", "ssi", "skipped_steps", "eval_delta1"} <= set(names)


def test_columns_that_appear_later_get_their_place_in_the_header():
    early = results_table([entry(1, ssi=0.5)], GEOMETRY)
    late = results_table(
        [entry(1, ssi=0.5), {"step": 2, "eval_delta1": 0.25}, entry(3, ssi=0.1, gradient=2)], GEOMETRY
    )
    assert early.splitlines() == ["step,epoch,loss,images_per_second,ssi", "1,0.25,1.0,8.0,0.5"]
    assert late.splitlines() == [
        "step,epoch,loss,images_per_second,ssi,gradient,eval_delta1",
        "1,0.25,1.0,8.0,0.5,,",
        "2,0.5,,,,,0.25",
        "3,0.75,0.3333333333333333,8.0,0.1,2,",
    ]


def test_notes_are_no_rows_and_what_is_not_finite_is_empty():
    notes = [{"step": 1, "skipped_step": "why", "names": []}, {"step": 1, "broken_samples": [{"name": "a"}]}]
    lines = results_table([*notes, {"step": 2, "loss": None, "images_per_second": 2}], GEOMETRY).splitlines()
    assert lines == ["step,epoch,loss,images_per_second", "2,0.5,,2"]
    assert results_table([], GEOMETRY) == "step,epoch,loss\n"


def test_a_stream_has_no_epochs():
    stream = RunGeometry(images_per_step=4, samples_per_epoch=None, total_steps=8)
    assert results_table([entry(1)], stream).splitlines()[1] == "1,,1.0,8.0"


@pytest.mark.parametrize("disturbance", ["kill", "signal", "kill before a checkpoint"])
def test_a_resumed_run_has_the_table_and_chart_of_one_that_was_left_alone(
    tmp_path, train, make_tiny_model, evaluation, disturbance, monkeypatch
):
    monkeypatch.setattr(summary, "PATIENCE", 0)
    options = {"max_steps": 6, "save_steps": 2, "eval_steps": 3, "evaluation": evaluation}
    train(tmp_path / "straight", make_tiny_model(), **options)
    stop = {
        "kill": (Interrupted(SupervisedRelative(ANCHORED), 5), KeyboardInterrupt),
        "kill before a checkpoint": (Interrupted(SupervisedRelative(ANCHORED), 1), KeyboardInterrupt),
        "signal": (Signalled(15, 4), RunInterrupted),
    }
    objective, ending = stop[disturbance]
    with pytest.raises(ending):
        train(tmp_path / "stopped", make_tiny_model(), objective=objective, **options)
    assert 0 < len(rows_of(tmp_path / "stopped")) < len(rows_of(tmp_path / "straight"))
    # What a kill leaves of a table that was being written goes at the next start.
    (tmp_path / "stopped" / ".results.csv.unfinished").write_text("step,ep")
    train(tmp_path / "stopped", make_tiny_model(), resume_from_checkpoint="latest", **options)
    assert rows_of(tmp_path / "straight") == rows_of(tmp_path / "stopped")
    assert not [path for path in (tmp_path / "stopped").iterdir() if path.name.startswith(".")]
    shapes = [np.asarray(Image.open(tmp_path / name / "training.png")).shape for name in ("straight", "stopped")]
    assert shapes[0] == shapes[1]


def test_the_table_grows_with_the_log_while_the_run_goes_on(tmp_path, train, make_tiny_model, monkeypatch):
    monkeypatch.setattr(summary, "PATIENCE", 0)
    found: list[int] = []

    def objective(*inputs: Any) -> Any:
        found.append(len(rows_of(tmp_path)))
        return SupervisedRelative(ANCHORED)(*inputs)

    train(tmp_path, make_tiny_model(), objective=objective, max_steps=4)
    assert found == [0, 1, 2, 3] and len(rows_of(tmp_path)) == 4


def test_a_table_that_was_written_a_moment_ago_waits(tmp_path, train, make_tiny_model, monkeypatch):
    monkeypatch.setattr(summary, "PATIENCE", 1e9)
    written: list[str] = []
    write = summary.atomic_write
    monkeypatch.setattr(
        summary, "atomic_write", lambda path, content: (written.append(path.name), write(path, content))
    )
    train(tmp_path, make_tiny_model(), max_steps=5)
    # At the start and at the end.
    assert written == ["results.csv", "results.csv", "training.png"] and len(rows_of(tmp_path)) == 5


def test_a_table_that_cannot_be_written_is_a_warning(tmp_path, train, make_tiny_model, capsys):
    (tmp_path / "results.csv").mkdir()
    result = train(tmp_path, make_tiny_model(), save_steps=1)
    assert result.steps == 2 and (tmp_path / "model.safetensors").is_file()
    assert capsys.readouterr().out.count("warning: results.csv or training.png could not be written") == 1


def test_the_chart_has_a_panel_for_each_kind_of_number():
    entries = [entry(step, ssi=1 / step, learning_rate_encoder=1e-5, output_maximum=3.0) for step in (1, 2, 3)]
    # Loss, rates and speed.
    assert training_chart(entries).shape == training_chart([*entries, {"step": 3, "eval_delta1": 0.5}]).shape
    assert training_chart(entries[:1]) is None
    # Without a panel of rates there are two, in one row.
    plain = training_chart([entry(1), entry(2)])
    assert plain.shape[0] < training_chart(entries).shape[0] and plain.shape[1] == training_chart(entries).shape[1]
    # Losses that were never finite leave their panel out.
    assert training_chart([{**each, "loss": None, "ssi": None} for each in entries]).shape == plain.shape
