# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The launch configurations: accelerate reads them, and they wrap the modules that they should."""

from __future__ import annotations

import pytest
from accelerate.commands import launch
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from accelerate.utils.fsdp_utils import fsdp2_prepare_auto_wrap_policy
from accelerate.utils.launch import prepare_multi_gpu_env

from depth_anything_hf.cli.launch import accelerate_configs
from depth_anything_hf.recipes import metric, student, teacher
from depth_anything_hf.recipes.parser import RecipeParser
from depth_anything_hf.training.distributed import units_to_shard
from depth_anything_hf.training.processes import training_accelerator


# Engine, processes, machines. Precision is left to recipes.
EXPECTED = {
    "cpu": (DistributedType.NO, 1, 1),
    "one_gpu": (DistributedType.NO, 1, 1),
    "ddp": (DistributedType.MULTI_GPU, 8, 1),
    "fsdp2": (DistributedType.FSDP, 8, 1),
    "two_nodes": (DistributedType.MULTI_GPU, 16, 2),
    "deepspeed_zero2": (DistributedType.DEEPSPEED, 8, 1),
}


def test_every_file_is_expected():
    assert accelerate_configs().keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_accelerate_reads_the_file_and_knows_all_its_keys(name):
    config = load_config_from_file(str(accelerate_configs()[name]))
    assert (config.distributed_type, config.num_processes, config.num_machines) == EXPECTED[name]
    assert config.mixed_precision is None


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize(("flags", "precision"), [([], "no"), (["--mixed_precision", "bf16"], "bf16")])
def test_accelerate_launch_takes_precision_from_its_flag_only(name, flags, precision, monkeypatch):
    # As on a machine whose GPUs have bfloat16.
    monkeypatch.setattr(launch, "is_bf16_available", lambda ignored: True)
    words = ["--config_file", str(accelerate_configs()[name]), *flags, "script.py"]
    arguments, _, _ = launch._validate_launch_command(launch.launch_command_parser().parse_args(words))
    assert prepare_multi_gpu_env(arguments)["ACCELERATE_MIXED_PRECISION"] == precision


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize(
    ("recipe", "flags", "launched", "precision"),
    [
        ("metric", [], "bf16", "no"),
        ("metric", ["--mixed_precision", "bf16"], "no", "bf16"),
        ("teacher", [], "no", "bf16"),
        ("student", [], None, "bf16"),
        (None, [], "bf16", "bf16"),
        (None, [], None, "no"),
    ],
)
def test_a_run_has_the_precision_of_flag_recipe_and_launcher_in_this_order(
    tmp_path, monkeypatch, recipe, flags, launched, precision
):
    if launched is not None:
        monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", launched)
    verb = {"metric": "finetune", "student": "distill"}.get(recipe, "train")
    argv = ["--encoder_name_or_path", "e", "--train_data", "d", "--output_dir", str(tmp_path), *flags]
    argv += ["--recipe", recipe] if recipe else []
    argv += ["--max_depth", "20"] if verb == "finetune" else []
    if recipe == "metric":
        # It names a model of its own.
        argv = argv[2:]
    for environment in (True, False):
        types = {"train": teacher.TYPES, "distill": student.TYPES, "finetune": metric.TYPES}[verb]
        arguments = RecipeParser(types, verb=verb, environment=environment).parse(argv).parts[-1]
        assert training_accelerator(arguments).mixed_precision == precision
        AcceleratorState._reset_state(True)


def test_fsdp_wraps_the_same_modules_as_the_package(make_tiny_model):
    keys = load_config_from_file(str(accelerate_configs()["fsdp2"])).fsdp_config
    assert (keys["fsdp_version"], keys["fsdp_state_dict_type"]) == (2, "SHARDED_STATE_DICT")
    plugin = FullyShardedDataParallelPlugin(
        fsdp_version=2,
        auto_wrap_policy=keys["fsdp_auto_wrap_policy"].lower(),
        transformer_cls_names_to_wrap=keys["fsdp_transformer_layer_cls_to_wrap"].split(","),
    )
    model = make_tiny_model()
    plugin.set_auto_wrap_policy(model)
    wraps = fsdp2_prepare_auto_wrap_policy(plugin, model)
    wrapped = [module for module in model.modules() if wraps(module)]
    assert [type(module).__name__ for module in wrapped] == ["Dinov2Layer"] * 4 + [
        "DepthAnythingNeck",
        "DepthAnythingHead",
    ]
    assert wrapped == units_to_shard(model)
