# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Held-out sets of the new and the old domain in a run: before it, along the way, in log, card and result."""

from __future__ import annotations

import json

import pytest
import torch
from training_runs import assert_equal_bits, assert_same_checkpoint, log_of, weights

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.training.held_out import HeldOut
from depth_anything_hf.training.state import Progress
from depth_anything_hf.training.trainer import TrainingArguments
from depth_anything_hf.training.validation import Evaluation


pytestmark = pytest.mark.usefixtures("fresh_accelerate")
MOVING = {"encoder_learning_rate": 1e-2, "decoder_learning_rate": 1e-2, "lr_scheduler_type": "constant"}


class Last(torch.utils.data.Dataset):
    """The last images of a folder, which stand for another domain."""

    def __init__(self, folder, count=3):
        self._all, self.count = DepthFolder(folder), count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self._all[len(self._all) - 1 - index]


@pytest.fixture
def old_domain(labelled_folder):
    return Evaluation(Last(labelled_folder), EvaluationSettings(max_depth=20.0), batch_size=3)


def scores_of(folder, prefix):
    return {
        entry["step"]: {name.removeprefix(prefix): value for name, value in entry.items() if name.startswith(prefix)}
        for entry in log_of(folder)
        if f"{prefix}delta1" in entry
    }


def test_both_domains_are_scored_before_the_run_along_the_way_and_at_the_end(
    tmp_path, train, make_tiny_model, evaluation, old_domain, capsys
):
    options = {"max_steps": 4, "eval_steps": 2, **MOVING}
    result = train(tmp_path / "run", make_tiny_model(), evaluation=evaluation, forgetting=old_domain, **options)
    new, old = (scores_of(tmp_path / "run", prefix) for prefix in ("eval_", "forgetting_"))
    assert list(new) == list(old) == [0, 2, 4]
    # A rate of almost nothing gives the scores of the start.
    still = {"encoder_learning_rate": 1e-30, "decoder_learning_rate": 1e-30, "weight_decay": 0.0, "max_steps": 1}
    unmoved = train(tmp_path / "still", make_tiny_model(), evaluation=old_domain, **still).metrics
    assert old[0]["delta1"] == unmoved["delta1"] and old[0]["abs_rel"] == unmoved["abs_rel"]
    assert result.gain_and_loss["abs_rel"] == {
        "new_before": new[0]["abs_rel"],
        "new_after": new[4]["abs_rel"],
        "old_before": old[0]["abs_rel"],
        "old_after": old[4]["abs_rel"],
    }
    assert old[0]["abs_rel"] != old[4]["abs_rel"]
    output, line = capsys.readouterr().out, f"old domain (forgetting data): delta1 {old[0]['delta1']:.4f} -> "
    assert "before the first step: delta1" in output and line in output
    card = (tmp_path / "run" / "README.md").read_text()
    assert "### Gain and forgetting" in card
    row = next(line for line in card.splitlines() if line.startswith("| abs_rel ↓ |") and line.count("|") == 8)
    both = [f"{each[step]['abs_rel']:.4f}" for each in (new, old) for step in (0, 4)]
    cells = [cell.strip() for cell in row.split("|")]
    assert [cells[place] for place in (2, 3, 5, 6)] == both
    assert json.loads((tmp_path / "run" / "forgetting.json").read_text()) == result.gain_and_loss
    assert (tmp_path / "run" / "best" / "forgetting.json").is_file()
    header = (tmp_path / "run" / "results.csv").read_text().splitlines()[0]
    assert ",forgetting_delta1," in header


def test_scoring_the_old_domain_changes_no_weight(tmp_path, train, make_tiny_model, evaluation, old_domain):
    train(tmp_path / "with", make_tiny_model(), evaluation=evaluation, forgetting=old_domain)
    train(tmp_path / "without", make_tiny_model(), evaluation=evaluation)
    assert_equal_bits(weights(tmp_path / "with"), weights(tmp_path / "without"))


def test_a_resume_keeps_the_scores_before_the_run(tmp_path, train, make_tiny_model, evaluation, old_domain):
    options = {"evaluation": evaluation, "forgetting": old_domain, "max_steps": 4, "eval_steps": 2, "save_steps": 2}
    whole = train(tmp_path / "whole", make_tiny_model(), **options, **MOVING)
    middle = str(tmp_path / "whole" / "checkpoint-2")
    other = make_tiny_model()
    torch.nn.init.zeros_(other.head.conv1.weight)
    parts = train(tmp_path / "parts", other, **options, **MOVING, resume_from_checkpoint=middle)
    assert parts.gain_and_loss == whole.gain_and_loss
    assert_same_checkpoint(tmp_path / "whole" / "checkpoint-4", tmp_path / "parts" / "checkpoint-4")
    # Resumed in its own folder, the log keeps its first line, too.
    train(tmp_path / "whole", make_tiny_model(), **options, **MOVING, resume_from_checkpoint=middle)
    assert list(scores_of(tmp_path / "whole", "forgetting_")) == [0, 2, 4]


def test_a_run_that_starts_anew_logs_its_start_once(tmp_path, train, make_tiny_model, evaluation, old_domain):
    options = {"evaluation": evaluation, "forgetting": old_domain, "max_steps": 1}
    with pytest.raises(RuntimeError, match="killed"):
        train(tmp_path, make_tiny_model(), fail, **options)
    train(
        tmp_path, make_tiny_model(), fail_not, **options, resume_from_checkpoint="latest", allow_changed=["objective"]
    )
    assert [entry["step"] for entry in log_of(tmp_path) if "forgetting_delta1" in entry] == [0, 1]


def fail(model, batch, progress):
    raise RuntimeError("killed")


def fail_not(model, batch, progress):
    return {"loss": model(pixel_values=batch["pixel_values"]).predicted_depth.mean()}


def test_a_complete_run_tells_gain_and_loss_again(tmp_path, train, make_tiny_model, evaluation, old_domain):
    options = {"evaluation": evaluation, "forgetting": old_domain}
    first = train(tmp_path, make_tiny_model(), **options)
    again = train(tmp_path, make_tiny_model(), **options, resume_from_checkpoint="latest")
    assert again.gain_and_loss == first.gain_and_loss and again.metrics == first.metrics
    assert again.best_metrics == first.best_metrics


@pytest.mark.parametrize("then", ["without", "with other images"], ids=lambda each: each.replace(" ", "-"))
def test_a_set_that_was_not_scored_before_the_run_is_refused_by_a_resume(
    tmp_path, train, make_tiny_model, evaluation, old_domain, labelled_folder, then
):
    first = None if then == "without" else Evaluation(Last(labelled_folder, 2), old_domain.settings)
    options = {"evaluation": evaluation, "save_steps": 1}
    train(tmp_path, make_tiny_model(), forgetting=first, **options)
    reason = "was begun without forgetting data" if first is None else "had other forgetting data"
    with pytest.raises(ValueError, match=f"the run {reason}.*cannot be scored any more; repeat what it had"):
        train(
            tmp_path, make_tiny_model(), forgetting=old_domain, max_steps=3, resume_from_checkpoint="latest", **options
        )


def test_a_weighted_sum_may_decide_on_the_best_model(tmp_path, train, make_tiny_model, evaluation, old_domain):
    result = train(
        tmp_path,
        make_tiny_model(),
        evaluation=evaluation,
        forgetting=old_domain,
        max_steps=6,
        eval_steps=1,
        save_steps=1,
        metric_for_best_model="abs_rel",
        forgetting_weight=2.0,
        **{**MOVING, "encoder_learning_rate": 3e-2, "decoder_learning_rate": 3e-2},
    )
    new, old = (scores_of(tmp_path, prefix) for prefix in ("eval_", "forgetting_"))
    sums = {step: new[step]["abs_rel"] + 2 * old[step]["abs_rel"] for step in range(1, 7)}
    best = min(sums, key=sums.__getitem__)
    assert result.best_metrics["abs_rel"] == new[best]["abs_rel"]
    assert_equal_bits(weights(tmp_path / "best"), weights(tmp_path / f"checkpoint-{best}"))
    state = torch.load(tmp_path / "checkpoint-6" / "state" / "trainer_state.pt")
    assert (state["progress"]["best_step"], state["progress"]["best_value"]) == (best, sums[best])


def test_another_weight_seeks_the_best_model_by_the_scores_that_are_known(
    tmp_path, train, make_tiny_model, evaluation, old_domain, capsys
):
    options = {"evaluation": evaluation, "forgetting": old_domain, "eval_steps": 1, "save_steps": 1}
    train(tmp_path, make_tiny_model(), **options)
    capsys.readouterr()
    train(tmp_path, make_tiny_model(), **options, forgetting_weight=1.0, max_steps=3, resume_from_checkpoint="latest")
    state = torch.load(tmp_path / "checkpoint-2" / "state" / "trainer_state.pt")["progress"]
    known = state["best_metrics"]["delta1"] + state["best_old_metrics"]["delta1"]
    line = (
        f"from now on delta1 + 1 x that of the old domain decides on the best model; the one in best/ has {known:.4f}"
    )
    assert line in capsys.readouterr().out


def test_the_same_images_as_both_domains_are_warned_of(tmp_path, train, make_tiny_model, evaluation, capsys):
    train(tmp_path, make_tiny_model(), evaluation=evaluation, forgetting=evaluation, max_steps=1, fresh_decoder=True)
    output = capsys.readouterr().out
    assert "warning: the held-out set and the forgetting data are the same" in output
    assert "warning: the decoder starts from random weights, so that the score before the run" in output


def test_images_of_the_old_domain_that_are_trained_on_are_warned_of(
    tmp_path, train, make_tiny_model, evaluation, labelled_folder, capsys
):
    old = Evaluation(DepthFolder(labelled_folder), evaluation.settings)
    train(tmp_path, make_tiny_model(), evaluation=evaluation, forgetting=old, max_steps=1)
    assert "warning: the forgetting data is trained on, too" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("which", "options", "message"),
    [
        ("new", {"forgetting_weight": 0.5}, "forgetting_weight is 0.5, but there is no set of the old domain"),
        ("old", {}, "forgetting data without a held-out set of the new domain"),
    ],
)
def test_an_argument_that_lacks_its_set_is_refused(
    tmp_path, train, make_tiny_model, evaluation, old_domain, which, options, message
):
    sets = {"evaluation": evaluation} if which == "new" else {"forgetting": old_domain}
    with pytest.raises(ValueError, match=message):
        train(tmp_path, make_tiny_model(), **sets, **options)


def test_forgetting_data_without_labels_is_refused(tmp_path, train, make_tiny_model, evaluation, labelled_folder):
    class Unlabelled(Last):
        def __getitem__(self, index):
            return {key: value for key, value in super().__getitem__(index).items() if key in ("image", "name")}

    old = Evaluation(Unlabelled(labelled_folder), evaluation.settings)
    with pytest.raises(ValueError, match="forgetting data: "):
        train(tmp_path, make_tiny_model(), evaluation=evaluation, forgetting=old)


def test_the_best_scores_of_checkpoints_that_name_paths_still_count(evaluation):
    by_paths = {"metric": "delta1", "held_out": evaluation.describe()}
    held_out = HeldOut(TrainingArguments("unused"), evaluation, None)
    progress = Progress(step=3, best_value=0.5, best_metrics={"delta1": 0.5}, best_by=by_paths)
    assert held_out.adopt_best(progress) == ([], False) and progress.best_value == 0.5
    assert by_paths["held_out"]["first"].startswith("/") and "/" not in progress.best_by["held_out"]["first"]
    assert held_out.adopt_best(progress) == ([], False), "now as its own version wrote it"
    by_paths["held_out"]["first"] = by_paths["held_out"]["first"].replace("images", "other")
    progress.best_by = by_paths
    assert held_out.adopt_best(progress)[1] and progress.best_value is None
