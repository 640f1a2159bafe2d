# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Environment variables are numbers and truth values, or refused by name."""

from __future__ import annotations

import pytest

from depth_anything_hf.utils.environment import environment_flag, environment_number


@pytest.mark.parametrize(("text", "number"), [(None, 7), ("", 7), ("3", 3), (" 3 ", 3), ("0", 0), ("1e1", 10)])
def test_a_number(monkeypatch: pytest.MonkeyPatch, text: str | None, number: int) -> None:
    monkeypatch.delenv("SOME_RANK", raising=False)
    if text is not None:
        monkeypatch.setenv("SOME_RANK", text)
    assert environment_number("SOME_RANK", default=7) == number


@pytest.mark.parametrize("text", ["x", "1.5", "-1", "0,1", "inf", "None"])
def test_another_text_is_refused_by_the_name_of_the_variable(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOME_RANK", text)
    with pytest.raises(ValueError, match=f"^the environment variable SOME_RANK is '{text}', expected a whole number"):
        environment_number("OTHER_RANK", "SOME_RANK")


def test_the_first_variable_that_is_set_counts() -> None:
    values = {"RANK": "", "SLURM_PROCID": "2"}
    assert environment_number("RANK", "SLURM_PROCID", environment=values) == 2
    with pytest.raises(ValueError, match="WORLD_SIZE is '0', expected a whole number of at least 1"):
        environment_number("WORLD_SIZE", at_least=1, environment={"WORLD_SIZE": "0"})


@pytest.mark.parametrize(
    ("text", "meant"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False), ("", False)]
)
def test_a_truth_value(text: str, meant: bool) -> None:
    assert environment_flag("VERBOSE", {"VERBOSE": text}) is meant
    assert environment_flag("VERBOSE", {}) is False


def test_no_truth_value_is_refused() -> None:
    with pytest.raises(ValueError, match="VERBOSE is 'loud', expected true or false"):
        environment_flag("VERBOSE", {"VERBOSE": "loud"})
