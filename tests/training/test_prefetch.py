# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Batches on the device: read ahead, taken back, and with errors in their turn."""

from __future__ import annotations

import gc
import multiprocessing
import weakref
from typing import Any

import pytest
import torch
from numbers_data import Numbers, load, numbered_stream, saved_and_loaded

from depth_anything_hf.data.loader import BatchLoader
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.training.prefetch import DevicePrefetcher


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> StreamingMixture:
    return numbered_stream(tmp_path_factory.mktemp("shards"))


def on_device(loader: BatchLoader, first: int = 0, ahead: bool = True) -> DevicePrefetcher:
    def number(batch: dict[str, Any], index: int) -> dict[str, Any]:
        return {**batch, "number": index}

    # As on a GPU, but for the stream of the copies.
    return DevicePrefetcher(loader, torch.device("cpu"), first=first, mix=number, reads_ahead=ahead)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_reading_ahead_changes_neither_batches_nor_states(stream: StreamingMixture, workers: int) -> None:
    options = {"last": 6, "batch_size": 3, "workers": workers}
    loader = load(stream, **options)
    expected = [(batch, saved_and_loaded(loader.state_dict())) for batch in loader]
    for ahead in (False, True):
        source = load(stream, **options)
        batches = on_device(source, ahead=ahead)
        assert batches.state_dict() == load(stream, **options).state_dict()
        for number, (batch, state) in enumerate(expected):
            found = next(batches)
            batches.look_ahead()
            # A second time it has nothing to do.
            batches.look_ahead()
            assert (found["name"], found["number"]) == (batch["name"], number)
            assert torch.equal(found["pixel_values"], batch["pixel_values"])
            assert batches.state_dict() == state
            assert (source.state_dict() == state) is (not ahead or number == 5), "the loader is a batch further"
        with pytest.raises(StopIteration):
            next(batches)
    stopped = load(stream, first=3, **options, state=expected[2][1])
    following = next(on_device(stopped, first=3))
    assert (following["name"], following["number"]) == (expected[3][0]["name"], 3)


def test_what_was_read_ahead_is_taken_back_too(stream: StreamingMixture) -> None:
    loader = load(stream, batch_size=4)
    batches = on_device(loader)
    next(batches)
    state = batches.state_dict()
    batches.look_ahead()
    given_up = next(batches)["name"]
    batches.look_ahead()
    batches.rewind(state)
    assert batches.state_dict() == loader.state_dict() == state
    again = load(stream, first=1, batch_size=4, state=batches.state_dict())
    assert next(on_device(again, first=1))["name"] == given_up


def test_an_error_that_was_met_ahead_comes_in_its_turn() -> None:
    class Spoiled(Numbers):
        def __getitem__(self, index: int) -> dict[str, Any]:
            if len(self.read) == 16:
                raise OSError("the disk is gone")
            return super().__getitem__(index)

    mixture = Mixture([Spoiled()], TrainingTransform.strong(14), seed=5)
    batches = on_device(load(mixture))
    for _ in range(2):
        next(batches)
        batches.look_ahead()
    with pytest.raises(ValueError, match="10 samples in a row cannot be used"):
        next(batches)


def test_workers_end_when_batches_are_given_up_without_the_garbage_collector(stream: StreamingMixture) -> None:
    others = set(multiprocessing.active_children())
    batches = on_device(load(stream, workers=1))
    next(batches)
    batches.look_ahead()
    assert not others.issuperset(multiprocessing.active_children())
    given_up = weakref.ref(batches)
    gc.disable()
    try:
        del batches
        assert given_up() is None and others.issuperset(multiprocessing.active_children())
    finally:
        gc.enable()
