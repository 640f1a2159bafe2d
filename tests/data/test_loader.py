# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Batches: the same samples for any division of a step, exact resumes, and broken samples by name."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numbers_data import Numbers, load, numbered_stream, saved_and_loaded
from sample_files import pseudo_label_table, write_pairs

from depth_anything_hf.data.datasets import DepthFolder, DepthTable
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.public.catalog import open_public
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.data.transforms import TrainingTransform


def make_mixture(broken: tuple[int, ...] = ()) -> Mixture:
    return Mixture([Numbers(broken=broken)], TrainingTransform.strong(14), seed=5)


def steps(data: Mixture, batch_size: int, processes: int, accumulation: int, **options: Any) -> list[dict[str, Any]]:
    """Per optimizer step: name -> image bytes of all processes, and the broken samples."""
    layout: dict[str, Any] = {"batch_size": batch_size, "process_count": processes, "accumulation": accumulation}
    loaders = [load(data, process_index=process, **layout, **options) for process in range(processes)]
    result = []
    per_process = [list(loader) for loader in loaders]
    for start in range(0, len(per_process[0]), accumulation):
        batches = [batches[micro] for micro in range(start, start + accumulation) for batches in per_process]
        pictures = [
            (name, picture.numpy().tobytes())
            for batch in batches
            for name, picture in zip(batch["name"], batch["pixel_values"], strict=True)
        ]
        result.append({"pictures": pictures, "broken": [entry for batch in batches for entry in batch["broken"]]})
    return result


BROKEN = (3, 7, 8)


@pytest.fixture(scope="module")
def whole_run() -> list[dict[str, Any]]:
    """20 steps of 8 samples on one process, which is nearly seven epochs."""
    return steps(make_mixture(BROKEN), 8, 1, 1)


@pytest.mark.parametrize(
    ("batch_size", "processes", "accumulation", "workers"), [(4, 2, 1, 0), (2, 1, 4, 0), (2, 2, 2, 0), (8, 1, 1, 2)]
)
def test_a_step_is_the_same_however_it_is_divided(
    whole_run: list[dict[str, Any]], batch_size: int, processes: int, accumulation: int, workers: int
) -> None:
    assert steps(make_mixture(BROKEN), batch_size, processes, accumulation, workers=workers) == whole_run


def test_a_resume_with_other_processes_misses_nothing_and_repeats_nothing(whole_run: list[dict[str, Any]]) -> None:
    """The epoch ends in the middle of step 3 (23 = 2 * 8 + 7); the number of processes changes before it."""
    first_part = steps(make_mixture(BROKEN), 8, 1, 1, last=2)
    second_part = steps(make_mixture(BROKEN), 2, 4, 1, first=2)
    assert first_part + second_part == whole_run
    whole = steps(make_mixture(), 8, 1, 1, last=1) + steps(make_mixture(), 4, 2, 1, first=1, last=3)
    names = [name for step in whole for name, _ in step["pictures"]]
    assert sorted(names[:23], key=int) == [str(index) for index in range(23)]


def test_a_resume_reads_nothing_of_the_steps_before() -> None:
    mixture = make_mixture()
    before = list(load(mixture, last=2))
    source = mixture.sources[0]
    assert isinstance(source, Numbers) and len(source.read) == 16
    source.read.clear()
    after = list(load(mixture, first=2, last=3))
    assert len(source.read) == 8 and [str(index) for index in source.read] == after[0]["name"]
    assert not set(after[0]["name"][:7]) & {name for batch in before for name in batch["name"]}


def test_broken_samples_are_replaced_and_named(whole_run: list[dict[str, Any]]) -> None:
    skipped = [entry for step in whole_run for entry in step["broken"]]
    assert {reason for _, reason in skipped} == {f"number {index} is broken" for index in BROKEN}
    # Each is met once per epoch, and again where a replacement is drawn that is broken too.
    assert 3 * 6 <= len(skipped) <= 3 * 7 + 10
    names = {name for step in whole_run for name, _ in step["pictures"]}
    assert names == {str(index) for index in range(23) if index not in BROKEN}
    assert all(len(step["pictures"]) == 8 for step in whole_run)


def test_map_style_data_has_no_state() -> None:
    loader = load(make_mixture(), last=2, state={})
    assert len(loader) == 2 and len(list(loader)) == 2 and loader.state_dict() == {}
    with pytest.raises(ValueError, match="no source streams"):
        load(make_mixture(), state={"batches": 1})
    with pytest.raises(ValueError, match="first_step"):
        load(make_mixture(), first=3, last=2)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> StreamingMixture:
    return numbered_stream(tmp_path_factory.mktemp("shards"))


@pytest.mark.parametrize(("workers", "stops"), [(0, range(1, 9)), (2, (1, 4)), (3, (5,))])
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_a_stream_resumes_behind_the_batches_handed_out(stream: StreamingMixture, workers: int, stops: Any) -> None:
    """Also where workers have read further ahead."""
    loader = load(stream, last=9, batch_size=3, workers=workers)
    names, states, pictures = [], [], []
    for batch in loader:
        names.append(batch["name"])
        pictures.append(batch["pixel_values"])
        states.append(saved_and_loaded(loader.state_dict()))
    assert len(names) == 9 and states[-1]["batches"] == 9
    for stop in stops:
        resumed = load(stream, first=stop, last=9, batch_size=3, workers=workers, state=states[stop - 1])
        assert len(resumed) == 9 - stop
        for batch, name, picture in zip(resumed, names[stop:], pictures[stop:], strict=True):
            assert batch["name"] == name and torch.equal(batch["pixel_values"], picture)
        assert resumed.state_dict() == states[-1]


def test_processes_read_other_rows_of_a_stream(stream: StreamingMixture) -> None:
    per_process = [
        [
            name
            for batch in load(stream, last=10, batch_size=3, process_index=index, process_count=2)
            for name in batch["name"]
        ]
        for index in (0, 1)
    ]
    assert len({*per_process[0], *per_process[1]}) == 60


def test_two_processes_with_two_workers_each_resume_exactly(stream: StreamingMixture) -> None:
    seen: list[str] = []
    for process in (0, 1):
        options = {"batch_size": 3, "workers": 2, "process_index": process, "process_count": 2, "last": 6}
        loader = load(stream, **options)
        batches, states = [], []
        for batch in loader:
            batches.append((batch["name"], batch["pixel_values"].numpy().tobytes()))
            states.append(saved_and_loaded(loader.state_dict()))
        seen += [name for names, _ in batches[:4] for name in names]
        for stop in (1, 4):
            resumed = load(stream, first=stop, state=states[stop - 1], **options)
            again = [(batch["name"], batch["pixel_values"].numpy().tobytes()) for batch in resumed]
            assert again == batches[stop:] and resumed.state_dict() == states[-1]
    assert len(set(seen)) == len(seen) == 24


def test_batches_of_a_step_that_is_given_up_are_taken_back(stream: StreamingMixture) -> None:
    loader = load(stream, batch_size=4)
    batches = iter(loader)
    next(batches)
    state = loader.state_dict()
    given_up = next(batches)["name"]
    loader.rewind(state)
    again = load(stream, first=1, batch_size=4, state=loader.state_dict())
    assert next(iter(again))["name"] == given_up


def test_a_stream_refuses_another_layout(stream: StreamingMixture, tmp_path: Path) -> None:
    loader = load(stream, last=2)
    list(loader)
    state = loader.state_dict()
    with pytest.raises(ValueError, match=r"workers: 1 -> 2.*resume with the same numbers"):
        load(stream, first=2, last=3, workers=2, state=state)
    with pytest.raises(ValueError, match="process_index: 0 -> 1, process_count: 1 -> 2"):
        load(stream, first=2, last=3, process_index=1, process_count=2, state=state)
    with pytest.raises(ValueError, match="the streams after batch 1, got the one after batch 2"):
        load(stream, first=1, last=3, state=state)
    with pytest.raises(ValueError, match="cannot resume at batch 2 without the state"):
        load(stream, first=2, last=3)


# Workers that are started anew, as on Windows and macOS


def test_spawned_workers_give_the_batches_of_none(
    tmp_path: Path, roots: dict[str, Path], table_cache: None, rgb: np.ndarray, depth: np.ndarray
) -> None:
    write_pairs(tmp_path / "pairs", rgb, depth, ["a", "b", "c"])
    disparities = [1 / depth, 2 / depth]
    table = DepthTable(pseudo_label_table(rgb, disparities), label="disparity")
    folder, public = DepthFolder(tmp_path / "pairs"), open_public("vkitti2", roots["vkitti2"])
    sources = [folder, table, public, Numbers(broken=BROKEN)]
    data = Mixture(sources, TrainingTransform.strong(14, channel_gain=0.1), seed=2)
    alone, spawned = (list(load(data, last=4, workers=workers, multiprocessing_context="spawn")) for workers in (0, 1))
    assert [batch["name"] for batch in spawned] == [batch["name"] for batch in alone]
    assert [batch["broken"] for batch in spawned] == [batch["broken"] for batch in alone]
    assert any(batch["broken"] for batch in alone)
    for left, right in zip(spawned, alone, strict=True):
        for key in ("pixel_values", "labels"):
            assert torch.equal(left[key].nan_to_num(-1), right[key].nan_to_num(-1))


def test_spawned_workers_read_the_stream_of_none(stream: StreamingMixture) -> None:
    loaders = [
        load(stream, last=4, batch_size=3, workers=workers, multiprocessing_context="spawn") for workers in (0, 1)
    ]
    alone, spawned = (list(loader) for loader in loaders)
    assert [batch["name"] for batch in spawned] == [batch["name"] for batch in alone]
    for left, right in zip(spawned, alone, strict=True):
        assert torch.equal(left["pixel_values"], right["pixel_values"])
    assert loaders[0].state_dict() == loaders[1].state_dict()


LEFT_OPEN = """
import sys
from numbers_data import Numbers, load
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform

batches = iter(load(Mixture([Numbers()], TrainingTransform.strong(14), seed=5), workers=1))
print(len(next(batches)["name"]))
sys.exit(7)
"""


def test_a_loader_left_in_the_middle_does_not_hold_up_the_end_of_python() -> None:
    # Workers outlive the signal by which Python would end them by ten minutes.
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.returncode) == ("8\n", 7), done.stderr


def test_closing_the_batches_ends_the_workers() -> None:
    before = set(multiprocessing.active_children())
    batches = iter(load(make_mixture(), workers=2))
    next(batches)
    assert len(set(multiprocessing.active_children()) - before) == 2
    batches.close()  # type: ignore[attr-defined]
    assert set(multiprocessing.active_children()) == before
