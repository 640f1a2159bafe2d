# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests: one thread, small arrays, a tiny model, and a tiny folder of pictures with depth."""

from __future__ import annotations

import gc
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import datasets
import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from sample_files import colour_ramp, depth_ramp
from tiny_model import TINY_DECODER, TINY_ENCODER, TINY_SIDE_PIXELS, MakeModel
from transformers import Dinov2Config

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation
from depth_anything_hf.inference import engine_cache
from depth_anything_hf.utils.cache_folder import CACHE_VARIABLE


# Several test processes share a machine, and results of one thread repeat bit for bit.
torch.set_num_threads(1)


# Seconds since the epoch, from which on no test begins: continuous integration has a limit, and machines differ.
END_VARIABLE = "DEPTH_ANYTHING_HF_TESTS_END_AT"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    end = os.environ.get(END_VARIABLE)
    if end and time.time() > float(end):
        pytest.skip("the time for tests is over on this machine; `make check` runs all")
    # What a test draws must not depend on those that ran before it in its process.
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def pytest_collection_finish(session: pytest.Session) -> None:
    # Imported modules and collected tests stay to the end: to look through them again takes a second each time.
    gc.freeze()


@pytest.fixture(scope="session")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all processes of pytest-xdist, of what takes long to make."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(shared_place: Path) -> Iterator[None]:
    """Where the package keeps what can be made again, also in processes that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(shared_place / "own_cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def converted_models(shared_place: Path) -> Iterator[Path]:
    """Where engines keep models in tests."""
    usual, engine_cache.CACHE_FOLDER = engine_cache.CACHE_FOLDER, shared_place / "engines"
    yield engine_cache.CACHE_FOLDER
    engine_cache.CACHE_FOLDER = usual


@pytest.fixture(scope="session", autouse=True)
def usual_fsync() -> Iterator[Callable[[int], None]]:
    """What waits for the disk, which only tests of files do: no other has to survive a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        usual = os.fsync
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield usual


@pytest.fixture
def rgb() -> np.ndarray:
    return colour_ramp()


@pytest.fixture
def depth() -> np.ndarray:
    return depth_ramp()


@pytest.fixture
def table_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture(scope="session")
def make_tiny_model() -> MakeModel:
    """A depth model of four narrow layers: (seed=0, encoder={...}, **fields of DepthAnythingConfig) -> model."""

    def make(seed: int = 0, encoder: dict[str, Any] | None = None, **decoder: Any) -> DepthAnythingForDepthEstimation:
        torch.manual_seed(seed)
        encoder_config = Dinov2Config(**{**TINY_ENCODER, **(encoder or {})})
        config = DepthAnythingConfig.from_encoder_config(encoder_config, **{**TINY_DECODER, **decoder})
        return DepthAnythingForDepthEstimation(config)

    return make


@pytest.fixture(scope="session")
def labelled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures of 56 x 56 with depth in metres: boxes before a slanted floor, brightness falls with distance."""
    root = tmp_path_factory.mktemp("labelled")
    for name in ("images", "depth"):
        (root / name).mkdir()
    random = np.random.default_rng(0)
    for index in range(8):
        depth = np.repeat(np.linspace(9.0, 2.0, TINY_SIDE_PIXELS)[:, None], TINY_SIDE_PIXELS, axis=1)
        for _ in range(3):
            top, left = random.integers(0, 40, size=2)
            depth[top : top + 16, left : left + 16] = random.uniform(1.0, 6.0)
        colour = np.clip(255 / depth[..., None] * random.uniform(0.6, 1.0, size=3), 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / "images" / f"{index}.png"), colour[..., ::-1])
        np.save(root / "depth" / f"{index}.npy", depth.astype(np.float32))
    return root


@pytest.fixture
def fresh_accelerate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Accelerate keeps precision and devices for the whole process; a test that trains must not inherit them."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION", raising=False)

    def forget() -> None:
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        PartialState._reset_state()

    forget()
    yield
    forget()


@pytest.fixture
def usual_interrupts() -> Iterator[None]:
    """Ctrl-C raises `KeyboardInterrupt`, also in tests that a shell has started in the background, which ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
