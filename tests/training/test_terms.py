# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What an objective may return, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training_runs import ANCHORED, log_of

from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.terms import as_terms, checked_images


LOSS = torch.ones((), requires_grad=True) * 2
CPU = torch.device("cpu")


@pytest.mark.parametrize("value", [0.5, 1, True, np.float32(0.5), np.array(0.5), np.int64(3), np.bool_(True)])
def test_numbers_of_python_and_numpy_are_terms(value):
    terms = as_terms({"loss": LOSS, "mine": value}, CPU, None)
    assert terms["mine"].shape == () and terms["mine"].item() == float(value) and terms["loss"] is not None


def test_a_tensor_with_one_element_is_a_scalar():
    assert as_terms({"loss": LOSS[None]}, CPU, None)["loss"].shape == ()


@pytest.mark.parametrize(
    "value", [torch.ones(2), np.ones(3), "0.5", None, [0.5], torch.ones((), dtype=torch.complex64), torch.ones(0)]
)
def test_a_term_that_is_no_scalar_is_named(value):
    with pytest.raises(ValueError, match=r"'mine' of the objective .* is no scalar"):
        as_terms({"loss": LOSS, "mine": value}, CPU, as_terms)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (LOSS, "as_terms must return a dict with a 'loss', got Tensor"),
        (None, "got NoneType"),
        ({"ssi": LOSS}, r"got the keys \['ssi'\]"),
        ({"loss": LOSS.detach()}, "has no graph"),
        ({"loss": 0.5}, "has no graph .it is a float"),
        ({"loss": torch.ones(2, requires_grad=True)}, r"'loss' .* no scalar but a Tensor of shape \(2,\)"),
        ({"loss": LOSS, "step": 1.0}, r"\['step'\], which the log needs"),
        ({"loss": LOSS, "eval_delta1": 1.0}, "rename them"),
    ],
)
def test_a_loss_that_cannot_be_used_is_refused(returned, message):
    with pytest.raises(ValueError, match=message):
        as_terms(returned, CPU, as_terms)


@pytest.mark.parametrize("images", [0, 1.5, 4])
def test_images_that_count_are_a_number_up_to_those_there_are(images):
    for may_look in (True, False):
        counted = checked_images(torch.tensor(images), 4, as_terms, may_look=may_look)
        assert counted.item() == images and counted.dtype == torch.float32


@pytest.mark.parametrize("images", [-1.0, 4.5, 784.0, float("nan"), float("inf")])
def test_another_number_of_images_is_refused_or_leaves_the_step_out(images):
    with pytest.raises(ValueError, match=f"as_terms returns {images:g} as 'images', .* 0 to 4; .* another name"):
        checked_images(torch.tensor(images), 4, as_terms, may_look=True)
    assert checked_images(torch.tensor(images), 4, as_terms, may_look=False).isnan()


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_count_of_something_else_ends_the_run_and_names_step_and_images(tmp_path, train, make_tiny_model):
    with pytest.raises(ValueError, match=r"step 1, images .*png.*'images'"):
        train(
            tmp_path / "run",
            make_tiny_model(),
            objective=lambda *inputs: {**SupervisedRelative(ANCHORED)(*inputs), "images": -1},
        )


@pytest.mark.usefixtures("fresh_accelerate")
def test_terms_of_some_micro_batches_are_logged(tmp_path, train, make_tiny_model):
    calls = []

    def objective(model, batch, progress):
        calls.append(progress)
        own = {"odd": 2.0} if len(calls) % 2 else {}
        return {**SupervisedRelative(ANCHORED)(model, batch, progress), "always": 0.5, **own}

    train(tmp_path / "run", make_tiny_model(), objective=objective, gradient_accumulation_steps=2)
    assert [(entry["always"], entry["odd"]) for entry in log_of(tmp_path / "run")] == [(0.5, 2.0)] * 2


@pytest.mark.usefixtures("fresh_accelerate")
def test_an_error_of_the_objective_names_step_and_images(tmp_path, train, make_tiny_model):
    with pytest.raises(ValueError, match=r"step 1, images .*png.*the term 'mine'"):
        train(
            tmp_path / "run",
            make_tiny_model(),
            objective=lambda *inputs: {**SupervisedRelative(ANCHORED)(*inputs), "mine": torch.ones(3)},
        )
