# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the processes of a run decide and say together; several of them are in `test_distributed`."""

from __future__ import annotations

import pytest
import torch
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_multi_gpu_env

from depth_anything_hf.cli.launch import accelerate_configs
from depth_anything_hf.training.arguments import TrainingArguments
from depth_anything_hf.training.distributed import fsdp_plugin
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


def test_sharding_keeps_gathers_and_sums_in_float32_whatever_the_precision(monkeypatch):
    assert fsdp_plugin() is None
    # As for the processes of `--accelerate_config fsdp2`.
    arguments = launch_command_parser().parse_args(["--config_file", str(accelerate_configs()["fsdp2"]), "script.py"])
    arguments, _, _ = _validate_launch_command(arguments)
    for name, value in prepare_multi_gpu_env(arguments).items():
        if name.startswith(("ACCELERATE_USE_FSDP", "FSDP_")):
            monkeypatch.setenv(name, value)
    plugin = fsdp_plugin()
    # As AcceleratorState does.
    plugin.set_mixed_precision("bf16")
    policy = plugin.mixed_precision_policy
    assert (policy.reduce_dtype, policy.param_dtype, policy.output_dtype) == (torch.float32, None, None)
    assert plugin.fsdp_version == 2 and plugin.reshard_after_forward
    assert plugin.transformer_cls_names_to_wrap == ["Dinov2Layer", "DepthAnythingNeck", "DepthAnythingHead"]
    # In whichever word Accelerate takes for it.
    for word in ("true", "on"):
        monkeypatch.setenv("FSDP_OFFLOAD_PARAMS", word)
        with pytest.raises(ValueError, match=r"fsdp_offload_params is true.*not supported"):
            fsdp_plugin()
    monkeypatch.setenv("FSDP_VERSION", "1")
    assert fsdp_plugin() is None


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
