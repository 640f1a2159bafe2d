# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The command `plan`: a table, JSON, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import run


WAYS = ("--encoder-strategy", "full", "--mixed-precision", "no", "--gradient_checkpointing", "none")


def test_a_table_and_json_say_the_same(model: Path) -> None:
    options = (*WAYS, "--optimizer", "adamw", "--optimizer", "sgd", "--input_size", "56", "--device", "h100")
    shown = run("plan", model, *options)
    assert shown.exit_code == 0, shown.output
    assert "fits: the run as it is needs" in shown.output and shown.output.startswith("h100, 79.1 GiB")
    values = json.loads(run("plan", model, *options, "--json").output)
    assert [each["optimizer"] for each in values["runs"]] == ["adamw", "sgd"]


def test_what_does_not_fit_exits_with_1(model: Path) -> None:
    options = (*WAYS, "--optimizer", "adamw", "--input_size", "56", "--device", "mine")
    small = run("plan", model, *options, "--device_memory", "0.5", "--device_tflops", "5")
    assert small.exit_code == 1 and "does not fit" in small.output
    unknown = run("plan", model, *options)
    assert unknown.exit_code != 0 and "give device_memory and device_tflops" in unknown.output
