# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Changes of a run: found by name, refused or allowed, and kept with the step from which they hold."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.changes import (
    Change,
    add_to_history,
    check_permissions,
    describe_history,
    differences,
    find_changes,
    names_in,
    refusal,
)


RESUMED = TrainingArguments("run", resume_from_checkpoint="latest")
RECIPE = {"objective": "A", "loss": {"weight": 1.0}, "data": [{"path": "/a", "scale": None}], "teacher": None}
EARLIER = {**asdict(RESUMED), "recipe": RECIPE}


def names(changes: list[Change]) -> list[str]:
    return [each.name for each in changes]


def test_entries_that_differ_are_named():
    other = {**RECIPE, "loss": {"weight": 0.5}, "data": [{"path": "/b", "scale": None}], "teacher": {"name": "T"}}
    needing, free = find_changes(EARLIER, RESUMED, {"recipe": other})
    assert names(needing) == ["recipe.loss.weight", "recipe.data.0.path", "recipe.teacher"] and free == []
    assert [each.key for each in needing] == ["loss.weight", "data", "teacher"]
    message = refusal(needing, Path("run"))
    assert "recipe.loss.weight: 1.0 -> 0.5" in message and "allow_changed loss.weight data teacher" in message


def test_another_objective_is_one_change():
    needing, _ = find_changes(EARLIER, RESUMED, {"recipe": {**RECIPE, "objective": "B", "loss": {"other": 3}}})
    assert names(needing) == ["recipe.objective"]


def test_what_the_earlier_record_lacks_is_not_compared():
    further = {"recipe": {**RECIPE, "later": 1, "loss": {"weight": 1.0, "later": 2}}, "precision": "no"}
    assert find_changes(EARLIER, RESUMED, further) == ([], [])
    # An argument that came later counts as it is by default.
    early = {name: value for name, value in EARLIER.items() if name != "ema_decay"}
    assert find_changes(early, RESUMED, {}) == ([], [])
    averaged = TrainingArguments("run", resume_from_checkpoint="latest", ema_decay=0.9)
    assert names(find_changes(early, averaged, {})[0]) == ["ema_decay"]


def test_what_is_no_longer_recorded_is_not_compared():
    earlier = {**EARLIER, "recipe": {**RECIPE, "data": [{**RECIPE["data"][0], "parquet_files": ["/a/0.parquet"]}]}}
    assert find_changes(earlier, RESUMED, {"recipe": RECIPE}) == ([], [])


@pytest.mark.parametrize("earlier", [{}, {"recipe": {}}, {"recipe": {"loss": {}}}])
def test_what_runs_did_before_they_recorded_it_is_compared_all_the_same(earlier):
    """Runs started from Python had no recipe in their record, and took SILog over each image."""
    record = {**asdict(RESUMED), **earlier}
    metric = {"objective": "SupervisedMetric", "loss": {"max_depth": 20.0, "silog_over": "batch"}}
    needing, _ = find_changes(record, RESUMED, {"recipe": {**metric, "augmentation": {"near_clip": None}}})
    assert list(map(str, needing)) == ["recipe.loss.silog_over: image -> batch"]
    as_then = {**metric, "loss": {"max_depth": 20.0, "silog_over": "image"}}
    assert find_changes(record, RESUMED, {"recipe": as_then}) == ([], [])


def test_what_does_not_change_the_past_is_free():
    arguments = TrainingArguments(
        "elsewhere",
        resume_from_checkpoint="latest",
        max_steps=7,
        max_output=5.0,
        eval_steps=3,
        logging_steps=1,
        save_steps=2,
        dataloader_num_workers=4,
        metric_for_best_model="abs_rel",
        per_device_train_batch_size=4,
    )
    needing, free = find_changes(EARLIER, arguments, {})
    assert needing == []
    assert names(free) == ["max_steps", "eval_steps", "metric_for_best_model", "max_output"]
    clipped = TrainingArguments("run", resume_from_checkpoint="latest", max_grad_norm=0.5)
    assert names(find_changes(EARLIER, clipped, {})[0]) == ["max_grad_norm"]


def test_links_to_the_same_folder_are_no_change(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    link, folder = str(tmp_path / "link"), str(tmp_path / "data")
    assert differences("data", [{"path": folder}], [{"path": link}]) == []
    assert names(differences("data", [{"path": folder}], [{"path": str(tmp_path)}])) == ["data.0.path"]


def test_permissions_are_checked_by_name():
    known = names_in(EARLIER)
    change = Change("recipe.loss.weight", 1.0, 0.5)
    for key in ("loss", "loss.weight", "recipe.loss"):
        assert check_permissions([change], [key], known) == []
    assert check_permissions([], ["data"], known) == ["warning: allow_changed has 'data', which has not changed"]
    with pytest.raises(ValueError, match=r"allow_changed has 'weight', which no run has; did you mean 'loss\.weight'"):
        check_permissions([change], ["weight"], known)
    with pytest.raises(ValueError, match="encoder_strategy: full -> frozen cannot change in a run"):
        check_permissions([Change("encoder_strategy", "full", "frozen")], ["encoder_strategy"], known)
    precision = Change("pure_bf16", False, True)
    with pytest.raises(ValueError, match="pure_bf16: False -> True cannot change in a run, since weights and"):
        check_permissions([precision], ["pure_bf16"], [*known, "pure_bf16"])
    assert "allow_changed loss.weight" in refusal([change], Path("run"))
    assert "allow_changed" not in refusal([change, precision], Path("run"))


def test_the_history_tells_from_which_step_a_change_holds():
    first = add_to_history([], [Change("weight_decay", 0.01, 0.1)], 4)
    second = add_to_history(first, [Change("recipe.loss.weight", 1.0, 0.5)], 6)
    assert [(each["step"], each["name"]) for each in second] == [(4, "weight_decay"), (6, "recipe.loss.weight")]
    assert describe_history(second) == "step 4: weight_decay: 0.01 -> 0.1; step 6: recipe.loss.weight: 1.0 -> 0.5"
    # Resumed from before the second change, with its value: it holds from there on. Taken back, it is none.
    assert add_to_history(second, [], 5)[1]["step"] == 5
    assert len(add_to_history(second, [Change("recipe.loss.weight", 0.5, 1.0)], 5)) == 1
    # What a run has had from its first step is no change of it.
    assert add_to_history([], [Change("weight_decay", 0.01, 0.1)], 0) == []
