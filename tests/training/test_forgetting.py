# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Gain and loss side by side: what is compared with what, and how it is written."""

from __future__ import annotations

import math

from depth_anything_hf.training.forgetting import describe, from_log, gain_and_loss


BEFORE = {"new": {"delta1": 0.3, "abs_rel": 0.5}, "old": {"delta1": 0.6, "abs_rel": 0.2}}
SCORES = {
    "delta1": {"new_before": 0.3, "new_after": 0.5, "old_before": 0.6, "old_after": 0.4},
    "abs_rel": {"new_before": 0.5, "new_after": 0.3, "old_before": 0.2, "old_after": None},
}


def test_scores_of_both_domains_stand_side_by_side_and_what_is_not_finite_is_none():
    new, old = {"delta1": 0.5, "abs_rel": 0.3, "own": 1.0}, {"delta1": 0.4, "abs_rel": math.nan}
    assert gain_and_loss(BEFORE, new, old) == SCORES


def test_a_metric_that_neither_set_measures_is_left_out():
    before = {"new": {"delta1": 0.3}, "old": {"delta1": 0.6}}
    scores = gain_and_loss(before, {"delta1": 0.5, "rmse": math.nan}, {"delta1": 0.4, "rmse": math.nan})
    assert list(scores) == ["delta1"]


def test_lines_show_before_after_and_the_change():
    assert describe(SCORES, ["delta1", "abs_rel"]) == [
        "new domain (held-out set): delta1 0.3000 -> 0.5000 (+0.2000), abs_rel 0.5000 -> 0.3000 (-0.2000)",
        "old domain (forgetting data): delta1 0.6000 -> 0.4000 (-0.2000), abs_rel 0.2000 -> -",
    ]


def test_the_log_of_a_complete_run_tells_them_again():
    start = {f"eval_{name}": value for name, value in BEFORE["new"].items()}
    start |= {f"forgetting_{name}": value for name, value in BEFORE["old"].items()}
    end = {"eval_delta1": 0.5, "eval_abs_rel": 0.3, "forgetting_delta1": 0.4, "forgetting_abs_rel": None}
    middle = dict.fromkeys(end, 0.0)
    entries = [{"step": 0, **start}, {"step": 1, "loss": 3.0}, {"step": 1, **middle}, {"step": 2, **end}]
    assert from_log(entries) == SCORES
    assert from_log(entries[1:]) == {} and from_log([{"step": 1, "eval_delta1": 0.5}]) == {}
