# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""On a GPU a run is resumed bit for bit, in each precision, and compiled it trains the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from on_gpu import DEVICE, IS_TRIAL, NOT_ON_CPU, ON_GPU
from torch import nn
from training_runs import (
    ANCHORED,
    Interrupted,
    assert_equal_bits,
    assert_same_checkpoint,
    log_of,
    make_engine,
    weights,
)

from depth_anything_hf.training.objectives import SupervisedRelative


pytestmark = ON_GPU


@pytest.fixture(autouse=True)
def accelerate_here(fresh_accelerate: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Accelerate take the GPU, which that of other tests must not."""
    if not IS_TRIAL:
        monkeypatch.delenv("ACCELERATE_USE_CPU")


@pytest.fixture
def repeating_kernels() -> Iterator[None]:
    """Sums in an order of their own, where PyTorch has such kernels; the others would warn."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


PRECISIONS = ["no", "bf16", pytest.param("fp16", marks=NOT_ON_CPU)]


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in log_of(folder) if "loss" in entry]


@pytest.mark.usefixtures("repeating_kernels")
@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_interrupted_run_goes_on_bit_for_bit(
    tmp_path: Path, train: Any, make_tiny_model: Any, evaluation: Any, precision: str
) -> None:
    options: dict[str, Any] = {"max_steps": 4, "save_steps": 2, "eval_steps": 2, "evaluation": evaluation}
    options |= {"mixed_precision": precision, "ema_decay": 0.8, "gradient_accumulation_steps": 2}
    train(tmp_path / "straight", make_tiny_model(), **options)
    train(tmp_path / "again", make_tiny_model(), **options)
    # Otherwise the GPU does not repeat its own results, and nothing is to be expected of a resume.
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "again"), "the same run once more")
    killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=5)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=killed, **options)
    train(tmp_path / "killed", make_tiny_model(seed=7), resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-4", tmp_path / "killed" / "checkpoint-4")
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"), "final model")
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "killed")


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_mixed_precision_begins_with_the_losses_of_float32(
    tmp_path: Path, train: Any, make_tiny_model: Any, precision: str
) -> None:
    for name in ("no", precision):
        train(tmp_path / name, make_tiny_model(), mixed_precision=name, logging_steps=1)
    expected, found = (losses(tmp_path / name) for name in ("no", precision))
    assert len(found) == 2 and found[0] == pytest.approx(expected[0], rel=0.03) and found[0] != expected[0]


def test_weights_are_where_and_how_the_engine_puts_them(tmp_path: Path, make_tiny_model: Any) -> None:
    model = make_tiny_model()
    engine = make_engine(tmp_path, model)
    assert {parameter.device.type for parameter in model.parameters()} == {DEVICE.type}
    assert model.neck.convs[0].weight.is_contiguous(memory_format=torch.channels_last)
    # A step is decided upon on the device, so that the host need not wait for it.
    assert engine.decides_on_device


@pytest.mark.slow
def test_a_compiled_run_has_the_losses_of_an_eager_one(tmp_path: Path, train: Any, make_tiny_model: Any) -> None:
    torch.compiler.reset()
    try:
        for name, is_compiled in (("eager", False), ("compiled", True)):
            model: nn.Module = make_tiny_model()
            train(tmp_path / name, model, max_steps=4, torch_compile=is_compiled)
    finally:
        torch.compiler.reset()
    assert losses(tmp_path / "compiled") == pytest.approx(losses(tmp_path / "eager"), rel=1e-3)
    assert weights(tmp_path / "compiled").keys() == weights(tmp_path / "eager").keys()
