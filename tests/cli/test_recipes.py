# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`recipes list` and `recipes show`."""

from __future__ import annotations

from typer.testing import CliRunner

from depth_anything_hf.cli.main import app
from depth_anything_hf.recipes.catalog import find_recipe


def test_list_has_a_line_for_each_recipe():
    done = CliRunner().invoke(app, ["recipes", "list"])
    lines = [line.split(maxsplit=2) for line in done.output.splitlines()]
    assert done.exit_code == 0
    assert {name: verb for name, verb, _ in lines} == {
        "teacher": "train",
        "student": "distill",
        "metric": "finetune",
        "adapt": "train|finetune",
        "quickstart-teacher": "train",
        "quickstart-student": "distill",
    }
    assert all(summary.endswith(".") and "#" not in summary for _, _, summary in lines)


def test_show_prints_a_recipe_as_it_can_be_saved():
    done = CliRunner().invoke(app, ["recipes", "show", "student"])
    assert (done.exit_code, done.output) == (0, find_recipe("student").read_text())


def test_show_names_the_nearest_recipe():
    done = CliRunner().invoke(app, ["recipes", "show", "studnet"])
    assert done.exit_code == 2 and done.stderr.startswith("error: ") and "did you mean 'student'?" in done.stderr
