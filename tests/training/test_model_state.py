# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Trainings that follow one another in a process, and the model that a training gives back."""

from __future__ import annotations

import random
import signal
import threading

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from training_runs import assert_equal_bits, make_engine, weights

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.models.compilation import repeated_layers
from depth_anything_hf.training.model_state import restore_module
from depth_anything_hf.training.run_record import read_record


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def prediction_of(model):
    with torch.no_grad():
        return model(pixel_values=torch.rand(1, 3, 56, 56, generator=torch.Generator().manual_seed(1))).predicted_depth


def test_every_training_has_its_own_precision(tmp_path, train, make_tiny_model):
    alone = {}
    for order in (("no", "bf16", None), (None, "no", "bf16")):
        for number, precision in enumerate(order):
            folder = tmp_path / f"{order[0]}-{number}"
            train(folder, make_tiny_model(), mixed_precision=precision)
            expected = precision or "no"
            assert read_record(folder)["precision"] == expected
            assert_equal_bits(alone.setdefault(expected, weights(folder)), weights(folder))
    assert any(not torch.equal(alone["no"][name], alone["bf16"][name]) for name in alone["no"])


def test_an_accelerator_of_ones_own_goes_on_after_a_training(tmp_path, train, make_tiny_model):
    own = Accelerator(mixed_precision="bf16", gradient_accumulation_steps=3)
    train(tmp_path / "run", make_tiny_model(), gradient_accumulation_steps=2)
    assert read_record(tmp_path / "run")["precision"] == "no"
    assert own.mixed_precision == "bf16" and own.gradient_accumulation_steps == 3
    assert Accelerator().mixed_precision == "bf16"


def test_a_training_that_fails_leaves_nothing_behind(tmp_path, train, make_tiny_model):
    def fail(model, batch, progress):
        raise RuntimeError("no loss today")

    model, handlers = make_tiny_model(), [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(RuntimeError, match="no loss today"):
        train(tmp_path / "run", model, objective=fail, mixed_precision="bf16", report_to="tensorboard")
    assert AcceleratorState._shared_state == {} and "forward" not in model.__dict__
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    train(tmp_path / "other", model)
    assert read_record(tmp_path / "other")["precision"] == "no"


@pytest.mark.parametrize("arguments", [{}, {"ema_decay": 0.5}, {"mixed_precision": "bf16"}])
def test_the_model_afterwards_predicts_what_the_saved_one_does(tmp_path, train, make_tiny_model, arguments):
    model = make_tiny_model()
    train(tmp_path / "run", model, max_steps=3, pretrained=False, **arguments)
    saved = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "run")
    assert not model.training and "forward" not in model.__dict__
    assert torch.equal(prediction_of(model), prediction_of(saved))


def test_what_was_frozen_recomputed_or_compiled_is_as_before(tmp_path, train, make_tiny_model):
    model = make_tiny_model()
    before = {name: each.requires_grad for name, each in model.named_parameters()}
    train(tmp_path / "run", model, encoder_strategy="frozen", gradient_checkpointing=True)
    assert {name: each.requires_grad for name, each in model.named_parameters()} == before
    assert not any(layer.gradient_checkpointing for layer in repeated_layers(model))
    assert all(each.grad is None for each in model.parameters())
    with restore_module(model):
        make_engine(tmp_path, model, torch_compile=True)
        assert any(part._compiled_call_impl for part in model.modules())
    assert not any(part._compiled_call_impl for part in model.modules())


def test_a_second_training_goes_on_from_the_first_ones_weights(tmp_path, train, make_tiny_model):
    model = make_tiny_model()
    train(tmp_path / "first", model, encoder_strategy="frozen")
    train(tmp_path / "second", model)
    reopened = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "first")
    train(tmp_path / "third", reopened)
    assert_equal_bits(weights(tmp_path / "second"), weights(tmp_path / "third"))


def test_a_training_runs_in_a_thread_and_takes_no_signals_there(tmp_path, train, make_tiny_model):
    results = []
    thread = threading.Thread(target=lambda: results.append(train(tmp_path / "run", make_tiny_model())))
    thread.start()
    thread.join()
    assert results[0].steps == 2


def test_the_random_generators_start_from_the_seed(tmp_path, train, make_tiny_model):
    drawn = []
    for name in ("one", "two"):
        torch.manual_seed(len(drawn))
        train(tmp_path / name, make_tiny_model(), seed=5)
        drawn.append((torch.rand(()).item(), random.random(), np.random.rand()))
    assert drawn[0] == drawn[1]
