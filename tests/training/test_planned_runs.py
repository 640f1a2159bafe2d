# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Planned runs as a table: what fits first, and what to change where it does not."""

from __future__ import annotations

from typing import Any

from depth_anything_hf.training.devices import Device
from depth_anything_hf.training.memory_estimate import GIB, MemoryEstimate
from depth_anything_hf.training.planned_runs import Plan, PlannedRun


def planned(gibibytes: float, seconds: float | None, **options: Any) -> PlannedRun:
    memory = MemoryEstimate(0, 0, 0, 0, 0, 0, int(gibibytes * GIB), 0)
    names = ("encoder_strategy", "mixed_precision", "gradient_checkpointing", "optimizer")
    way = dict(zip(names, ("full", "no", "none", "adamw"), strict=True)) | {"batch": 8, "accumulation": 1} | options
    return PlannedRun(**way, memory=memory, fits=gibibytes <= 8, seconds=seconds)


def plan_of(*runs: PlannedRun, smaller: tuple[PlannedRun, ...] = (), steps: int = 0) -> Plan:
    return Plan(Device("abacus", 8 * GIB), list(runs), steps, list(smaller))


def test_what_fits_comes_first_the_fastest_at_the_top_and_the_rest_says_what_to_change():
    found = plan_of(
        planned(12, 2.0),
        planned(10, 2.0, optimizer="adafactor"),
        planned(7, 3.0, gradient_checkpointing="layers"),
        planned(6, 3.0, gradient_checkpointing="layers", optimizer="adafactor"),
        planned(9, 1.0, mixed_precision="bf16"),
        planned(8, 1.0, mixed_precision="bf16", optimizer="adafactor"),
        steps=3600,
    )
    assert str(found).splitlines() == [
        "abacus, 8.0 GiB",
        "encoder  precision  checkpointing  batch  GiB: adamw  GiB: adafactor  s a step  hours",
        "full     bf16       none           8 x 1  9.00        8.00            1         1      fits with adafactor",
        "full     no         layers         8 x 1  7.00        6.00            3         3      fits",
        "full     no         none           8 x 1  12.00       10.00           2         2      "
        "4.00 GiB too much (as wanted): --mixed_precision bf16 --optimizer adafactor",
        "fits with these changes: --mixed_precision bf16 --optimizer adafactor (8.00 GiB, 1 s a step; the run as it "
        "is needs 12.00 of 8.0 GiB, 12.00 of it for activations)",
    ]


def test_another_encoder_strategy_is_the_last_thing_to_change():
    wanted, frozen = planned(12, 2.0), planned(4, 0.5, encoder_strategy="frozen")
    smaller = planned(7, 2.0, batch=4, accumulation=2)
    assert plan_of(wanted, frozen).nearest_fitting(wanted) is frozen
    assert plan_of(wanted, frozen, smaller=(smaller,)).nearest_fitting(wanted) is smaller
    assert plan_of(wanted).nearest_fitting(wanted) is None
    assert "no change that was tried is enough" in plan_of(wanted).verdict()


def test_without_a_rate_the_fewest_changes_win_and_what_needs_little_comes_first():
    wanted = planned(12, None)
    both = planned(5, None, gradient_checkpointing="images", optimizer="adafactor")
    found = plan_of(wanted, both, one := planned(6, None, gradient_checkpointing="layers"))
    assert found.nearest_fitting(wanted) is one
    lines = str(found).splitlines()
    assert [each.split()[2] for each in lines[2:5]] == ["images", "layers", "none"] and lines[2].split()[-2] == "-"


def test_the_wanted_optimizer_is_named_where_only_another_one_fits():
    found = plan_of(planned(9, 2.0), planned(7, 2.0, optimizer="adafactor"))
    assert str(found).splitlines()[2].endswith("fits with adafactor (wanted: adamw)")


def test_an_update_in_the_backward_pass_is_a_line_of_its_own():
    backward = planned(7, 4.0, optimizer_in_backward=True)
    found = plan_of(wanted := planned(9, 2.0), smaller=(backward,))
    assert backward.changes_from(wanted) == ["--optimizer_in_backward"]
    assert str(found).splitlines()[2].endswith("fits, update in the backward pass")
    assert found.as_dict()["runs"][1]["optimizer_in_backward"] is True
