# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""An actor without a cluster: which nodes it refuses, and which tasks it gives up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from depth_anything_hf.pseudo_labels.ray_actor import LARGEST_TRIES, RESULT, FleetRun, LabelActor, node_fault
from depth_anything_hf.pseudo_labels.ray_driver import actor_resources
from depth_anything_hf.pseudo_labels.ray_folder import TOKEN
from depth_anything_hf.pseudo_labels.runner import LabelArguments
from depth_anything_hf.version import __version__


@pytest.fixture
def run(tmp_path: Path) -> FleetRun:
    folder = tmp_path / "labels" / ".ray-1"
    folder.mkdir(parents=True)
    (folder / TOKEN).write_text("1")
    return FleetRun(LabelArguments("no/such", "photos", str(folder.parent), device="cpu"), str(folder), "1", ())


def task(first: int, count: int) -> dict[str, Any]:
    return {"first": np.array([first]), "count": np.array([count])}


@pytest.mark.parametrize(
    ("version", "token", "missing", "words"),
    [
        (__version__, "1", [], ""),
        (None, "1", [], "is not installed on node b"),
        ("0.0.1", "1", [], "is version 0.0.1 on node b"),
        (__version__, None, [], "node b does not see the output folder"),
        (__version__, "2", [], "node b does not see the output folder"),
        (__version__, "1", ["/data/photos"], "node b does not see /data/photos"),
    ],
)
def test_a_node_that_cannot_take_part_is_named(
    run: FleetRun, version: str | None, token: str | None, missing: list[str], words: str
) -> None:
    fault = node_fault(run, version, token, missing, "b")
    assert words in fault and bool(fault) == bool(words)


def test_an_actor_of_a_node_without_the_folder_ends_the_run(run: FleetRun) -> None:
    Path(run.folder, TOKEN).unlink()
    result = LabelActor(run)(task(0, 2))[RESULT][0]
    assert result.shards == (0, 1) and result.outcome is None
    assert "does not see the output folder" in result.error and not result.is_system_error


def test_a_task_whose_process_always_dies_is_given_up(run: FleetRun) -> None:
    class Dying:
        calls = 0

        def label(self, shards: tuple[int, ...]) -> None:
            self.calls += 1
            raise KeyboardInterrupt  # no error of Python; as a signal would end it

    labeller = Dying()
    for _ in range(LARGEST_TRIES):
        actor = LabelActor(run)
        actor._labeller = labeller  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            actor(task(4, 2))
    result = actor(task(4, 2))[RESULT][0]
    assert labeller.calls == LARGEST_TRIES
    assert f"the shards 4 to 5 was lost {LARGEST_TRIES} times" in result.error


def test_actors_take_gpus_where_there_are_some() -> None:
    cpus: list[dict[str, Any]] = [{"Resources": {"CPU": 4.0}}, {"Resources": {"CPU": 64.0}}]
    gpus = [*cpus, {"Resources": {"CPU": 16.0, "GPU": 2.0}}]
    assert actor_resources(cpus, None, None) == {"num_cpus": 8, "num_gpus": 0}
    assert actor_resources(cpus[:1], None, None) == {"num_cpus": 4, "num_gpus": 0}
    assert actor_resources(gpus, None, None) == {"num_cpus": 1, "num_gpus": 1}
    assert actor_resources(gpus, "cuda", 6) == {"num_cpus": 6, "num_gpus": 1}
    assert actor_resources(gpus, "cpu", 2) == {"num_cpus": 2, "num_gpus": 0}
    with pytest.raises(ValueError, match="no node of the cluster has a GPU"):
        actor_resources(cpus, "cuda", None)
