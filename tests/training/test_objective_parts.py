# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameters, buffers and models of an objective: found, trained, moved, saved and resumed."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import nn
from training_runs import (
    ANCHORED,
    Interrupted,
    assert_equal_bits,
    assert_same_checkpoint,
    make_engine,
    weights,
)

from depth_anything_hf.training.objective_parts import ObjectiveParts
from depth_anything_hf.training.objectives import SupervisedRelative


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
SUPERVISED = SupervisedRelative(ANCHORED)


class Uncertainty(nn.Module):
    """The loss weighted by a learned variance; a frozen model and a running mean beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.log_sigma = nn.Parameter(torch.zeros(()))
        self.register_buffer("running", torch.zeros(()))
        self.teacher = nn.BatchNorm1d(3).requires_grad_(False)
        self.supervised = SUPERVISED

    def forward(self, model, batch, progress):
        terms = self.supervised(model, batch, progress)
        with torch.no_grad():
            self.running.mul_(0.5).add_(terms["loss"].detach())
        return {**terms, "loss": terms["loss"] * torch.exp(-self.log_sigma) + self.log_sigma + 0 * self.running}


class Plain:
    """An objective that is no module, with parameters in several places."""

    def __init__(self) -> None:
        self.bias = nn.Parameter(torch.zeros(3))
        self.heads = {"a": [nn.Linear(1, 1)]}
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.plain = torch.zeros(2, requires_grad=True)
        self.images = 0
        self.supervised = SUPERVISED

    def __call__(self, model, batch, progress):
        self.images += len(batch["name"])
        terms = dict(self.supervised(model, batch, progress))
        own = self.bias.sum() + self.plain.sum() + self.heads["a"][0](torch.ones(1)).sum()
        terms["loss"] = terms["loss"] + own
        return terms

    def state_dict(self):
        return {"images": self.images}

    def load_state_dict(self, state):
        self.images = state["images"]


def frozen_of(parts):
    return [each for module in parts.modules.values() for each in module.parameters() if not each.requires_grad]


def test_parameters_are_found_wherever_an_objective_keeps_them(make_tiny_model):
    model, plain, sigma = make_tiny_model(), Plain(), nn.Parameter(torch.zeros(()))
    assert set(ObjectiveParts(plain, model).trained) == {"bias", "heads.a.0.weight", "heads.a.0.bias", "plain"}
    assert set(ObjectiveParts(Uncertainty(), model).trained) == {"log_sigma"}
    assert set(ObjectiveParts(plain.__call__, model).trained) == set(ObjectiveParts(plain, model).trained)

    def closing_over(model, batch, progress):
        return {"loss": SUPERVISED(model, batch, progress)["loss"] + sigma}

    assert set(ObjectiveParts(closing_over, model).trained) == {"sigma"}
    assert set(ObjectiveParts(functools.partial(closing_over, scale=sigma), model).trained) == {"func.sigma"}
    assert not ObjectiveParts(SUPERVISED, model).trained


def test_the_model_itself_is_no_part_of_an_objective_that_holds_it(make_tiny_model):
    model, module = make_tiny_model(), Uncertainty()
    module.student = model
    assert set(ObjectiveParts(module, model).trained) == {"log_sigma"}


def test_models_that_an_object_of_a_library_holds_are_no_parts(make_tiny_model):
    class Logging:
        def __init__(self) -> None:
            self.accelerator = Accelerator(cpu=True)
            self.accelerator.prepare(nn.Linear(2, 2))

    assert not ObjectiveParts(Logging(), make_tiny_model()).trained


@pytest.mark.parametrize("make", [Uncertainty, Plain])
def test_parameters_of_an_objective_are_trained_and_frozen_ones_are_not(tmp_path, train, make_tiny_model, make):
    objective = make()
    parts = ObjectiveParts(objective, make_tiny_model())
    before = {name: each.detach().clone() for name, each in parts.trained.items()}
    frozen = [
        each.clone() for module in parts.modules.values() for each in module.parameters() if not each.requires_grad
    ]
    train(tmp_path / "run", make_tiny_model(), objective=objective, max_steps=3, weight_decay=0.0)
    assert all((each != before[name]).all() for name, each in parts.trained.items())
    assert frozen and all(map(torch.equal, frozen, frozen_of(parts)))


@pytest.mark.parametrize("make", [Uncertainty, Plain])
def test_an_objective_is_resumed_bit_for_bit(tmp_path, train, make_tiny_model, make):
    options = {"max_steps": 4, "save_steps": 2, "gradient_accumulation_steps": 2}
    straight, resumed = make(), make()
    resumed.load_state_dict(straight.state_dict())
    if make is Plain:
        resumed.heads["a"][0].load_state_dict(straight.heads["a"][0].state_dict())
    state = {name: each.clone() for name, each in ObjectiveParts(resumed, nn.Linear(1, 1)).trained.items()}
    train(tmp_path / "straight", make_tiny_model(), objective=straight, **options)
    resumed.supervised = Interrupted(SUPERVISED, 6)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=resumed, **options)
    again = make()
    train(tmp_path / "killed", make_tiny_model(), objective=again, resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-4", tmp_path / "killed" / "checkpoint-4")
    own = [ObjectiveParts(each, nn.Linear(1, 1)) for each in (straight, again)]
    assert_equal_bits(*[{name: each.detach() for name, each in parts.trained.items()} for parts in own])
    assert any(not torch.equal(each, own[0].trained[name]) for name, each in state.items())
    if make is Uncertainty:
        assert torch.equal(straight.running, again.running) and straight.running != 0
    else:
        assert straight.images == again.images == 16


def test_a_checkpoint_of_another_objective_is_refused_by_name(tmp_path, train, make_tiny_model):
    options = {"max_steps": 4, "save_steps": 2}
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, make_tiny_model(), objective=Interrupted(SUPERVISED, 3), **options)
    options |= {"resume_from_checkpoint": "latest", "allow_changed": ["objective"]}
    with pytest.raises(ValueError, match=r"other parameters or buffers: none, but this run has log_sigma \(\)"):
        train(tmp_path, make_tiny_model(), objective=Uncertainty(), **options)


def test_the_projector_of_an_earlier_checkpoint_is_read(tmp_path):
    class Projecting:
        def __init__(self) -> None:
            self.projector = nn.Linear(3, 2)

    objective, saved = Projecting(), nn.Linear(3, 2)
    save_file(saved.state_dict(), tmp_path / "model_1.safetensors")
    ObjectiveParts(objective, nn.Linear(1, 1)).load(tmp_path, Accelerator())
    assert_equal_bits(dict(objective.projector.state_dict()), dict(saved.state_dict()))


def test_a_parameter_that_would_be_forgotten_is_an_error(tmp_path, train, make_tiny_model):
    class Hidden:
        __slots__ = ("sigma",)

        def __call__(self, model, batch, progress):
            return {"loss": SUPERVISED(model, batch, progress)["loss"] + self.sigma}

    hidden = Hidden()
    hidden.sigma = nn.Parameter(torch.zeros(()))
    with pytest.raises(ValueError, match=r"a parameter of shape \(\) that is not trained: keep it in an attribute"):
        train(tmp_path, make_tiny_model(), objective=hidden)


def test_scalars_and_biases_of_an_objective_take_no_weight_decay(tmp_path, make_tiny_model):
    objective = Plain()
    groups = make_engine(tmp_path, make_tiny_model(), objective).optimizer.param_groups
    inside = {id(each): group for group in groups for each in group["params"]}
    assert (
        inside[id(objective.bias)]["weight_decay"] == 0.0 != inside[id(objective.heads["a"][0].weight)]["weight_decay"]
    )
    assert inside[id(objective.bias)]["lr"] == next(group["lr"] for group in groups if group["name"] == "decoder")


def test_the_run_says_what_of_the_objective_is_trained(tmp_path, train, make_tiny_model, capsys):
    train(tmp_path, make_tiny_model(), objective=Uncertainty(), max_steps=1)
    assert "training 1 parameters of the objective along, in log_sigma; freeze" in capsys.readouterr().out
    described = ObjectiveParts(Plain(), make_tiny_model()).describe()
    assert described[0].startswith("training 7 parameters of the objective along, in bias, heads, plain;")
    assert list(load_file(Path(tmp_path) / "model.safetensors")) == list(weights(tmp_path))
    assert not any("log_sigma" in name for name in weights(tmp_path))
