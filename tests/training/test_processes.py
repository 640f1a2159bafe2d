# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the processes of a run decide and say together; several of them are in `test_distributed`."""

from __future__ import annotations

import pytest

from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.processes import decide_on_main, on_any_process, print_on_main, training_accelerator


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


def test_the_accelerator_is_what_the_arguments_say(tmp_path, monkeypatch):
    # An environment variable of Accelerate does not overrule them.
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "7")
    arguments = TrainingArguments(str(tmp_path), gradient_accumulation_steps=3, mixed_precision="bf16")
    accelerator = training_accelerator(arguments, tmp_path)
    assert accelerator.gradient_accumulation_steps == 3 and accelerator.mixed_precision == "bf16"
    assert accelerator.project_configuration.logging_dir == str(tmp_path / "logs")
    assert training_accelerator(arguments).project_dir is None


def test_the_main_process_decides_and_its_error_is_everyones(tmp_path):
    accelerator = training_accelerator(TrainingArguments(str(tmp_path)))
    assert decide_on_main(accelerator, lambda: 5) == 5

    def refuse() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        decide_on_main(accelerator, refuse)
    assert on_any_process(accelerator, True) and not on_any_process(accelerator, False)


def test_only_the_main_process_speaks(tmp_path, capsys, monkeypatch):
    accelerator = training_accelerator(TrainingArguments(str(tmp_path)))
    print_on_main(accelerator, "heard")
    monkeypatch.setattr(type(accelerator), "is_main_process", False)
    print_on_main(accelerator, "not heard")
    assert capsys.readouterr().out == "heard\n"
