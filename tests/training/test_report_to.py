# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which trackers a run reports to, from Python, flags and recipes."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict, replace

import pytest
from accelerate.tracking import GeneralTracker, on_main_process

from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.report_to import chosen_trackers, tracker_names


class Kept(GeneralTracker):
    """A tracker that keeps what it gets."""

    name, requires_logging_directory = "kept", False

    def __init__(self) -> None:
        super().__init__()
        self.entries, self.configuration, self.finished = [], {}, 0

    @property
    def tracker(self):
        return self.entries

    @on_main_process
    def store_init_configuration(self, values):
        self.configuration = values

    @on_main_process
    def log(self, values, step=None, **_):
        self.entries.append((step, values))

    @on_main_process
    def finish(self):
        self.finished += 1


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("none", ["none"]),
        (None, ["none"]),
        ([], ["none"]),
        ("tensorboard", ["tensorboard"]),
        (["tensorboard", "wandb", "tensorboard"], ["tensorboard", "wandb"]),
        (("trackio",), ["trackio"]),
        ("all", ["all"]),
    ],
)
def test_one_name_or_several_become_a_list(given, names):
    assert tracker_names(given) == TrainingArguments("run", report_to=given).report_to == names


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("tensorbord", "report_to is 'tensorbord', expected none, all, tensorboard.*did you mean 'tensorboard'"),
        (["none", "wandb"], "'none' cannot be combined"),
        (3, "report_to is 3"),
    ],
)
def test_an_unknown_tracker_is_refused_with_the_nearest_name(given, message):
    with pytest.raises(ValueError, match=message):
        TrainingArguments("run", report_to=given)


def test_all_stands_for_those_that_are_installed():
    assert "tensorboard" in chosen_trackers(["all"]) and "wandb" not in chosen_trackers(["all"])
    assert chosen_trackers(["none"]) == []


def test_flags_and_recipes_take_one_or_several(tmp_path):
    recipe = tmp_path / "mine.yaml"
    for text, names in {
        "report_to: tensorboard": ["tensorboard"],
        "report_to: [tensorboard, wandb]": ["tensorboard", "wandb"],
        "report_to: none": ["none"],
    }.items():
        recipe.write_text(text + "\n")
        for argv in (["--recipe", str(recipe)], ["--report_to", *names]):
            arguments = ["--output_dir", "run", *argv]
            assert parse_recipe(TrainingArguments, description="", argv=arguments)[0].report_to == names
    assert parse_recipe(TrainingArguments, description="", argv=["--output_dir", "run"])[0].report_to == ["none"]


def test_a_tracker_of_ones_own_goes_into_no_record():
    arguments = TrainingArguments("run", report_to=[Kept(), "tensorboard"])
    assert json.loads(json.dumps(asdict(arguments)))["report_to"] == ["kept", "tensorboard"]
    assert replace(arguments, seed=1).report_to[0].tracker is arguments.report_to[0].tracker
    assert copy.deepcopy(arguments.report_to) == pickle.loads(pickle.dumps(arguments.report_to))


@pytest.mark.usefixtures("fresh_accelerate")
def test_several_trackers_get_every_entry_also_after_a_resume(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 1}
    first, second = Kept(), Kept()
    train(tmp_path, make_tiny_model(), report_to=[first, "tensorboard"], **options)
    assert [step for step, _ in first.entries] == [1, 2, 3] and first.finished == 1
    record = json.loads((tmp_path / "training_arguments.json").read_text())
    assert record["report_to"] == ["kept", "tensorboard"] and first.configuration["run_id"] == record["run_id"] != ""
    assert list((tmp_path / "logs").rglob("events*"))
    # As an earlier version wrote it.
    (tmp_path / "training_arguments.json").write_text(json.dumps({**record, "report_to": "tensorboard"}))
    (tmp_path / "checkpoint-3").rename(tmp_path / "elsewhere")
    train(tmp_path, make_tiny_model(), report_to=second, resume_from_checkpoint="latest", **options)
    assert [step for step, _ in second.entries] == [3] and second.configuration["run_id"] == record["run_id"]


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_tracker_is_closed_when_a_run_fails(tmp_path, train, make_tiny_model):
    tracker = Kept()

    def fail(model, batch, progress):
        raise RuntimeError("no loss today")

    with pytest.raises(RuntimeError, match="no loss today"):
        train(tmp_path, make_tiny_model(), objective=fail, report_to=tracker)
    assert tracker.finished == 1
