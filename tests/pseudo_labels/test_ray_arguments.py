# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Flags of a Ray cluster: what they may be, and with what they cannot be combined."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from depth_anything_hf.cli.main import app
from depth_anything_hf.pseudo_labels.ray_arguments import RayArguments
from depth_anything_hf.pseudo_labels.runner import LabelArguments


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"address": "auto"}, "--address is for a Ray cluster: give --scheduler ray too"),
        ({"cores_per_actor": 2}, "--cores_per_actor is for a Ray cluster"),
        ({"scheduler": "slurm"}, "--scheduler must be one of"),
        ({"scheduler": "ray", "max_actors": 0}, "--max_actors must be at least 1"),
        ({"scheduler": "ray", "min_actors": 4, "max_actors": 2}, "--max_actors 2 is below --min_actors 4"),
    ],
)
def test_flags_that_do_not_fit_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RayArguments(**values)  # type: ignore[arg-type]


def test_ray_as_an_engine_names_the_right_flag() -> None:
    with pytest.raises(ValueError, match=r"--engine says what computes .* --scheduler ray in its place"):
        LabelArguments("t", "d", "labels", engine="ray")


def test_a_cluster_among_several_processes_is_refused() -> None:
    words = ["pseudo-label", "photos", "-m", "t", "-o", "labels", "--scheduler", "ray", "--num_processes", "2"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "has --num_processes: start it once" in " ".join(result.output.replace("│", " ").split())
