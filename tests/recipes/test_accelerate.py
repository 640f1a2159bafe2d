# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The launch configurations: accelerate reads them, and they wrap the modules that they should."""

from __future__ import annotations

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from accelerate.utils.fsdp_utils import fsdp2_prepare_auto_wrap_policy

from depth_anything_hf.cli.launch import accelerate_configs
from depth_anything_hf.training.distributed import units_to_shard


# Engine, processes, machines, precision.
EXPECTED = {
    "cpu": (DistributedType.NO, 1, 1, "no"),
    "one_gpu": (DistributedType.NO, 1, 1, "bf16"),
    "ddp": (DistributedType.MULTI_GPU, 8, 1, "bf16"),
    "fsdp2": (DistributedType.FSDP, 8, 1, "bf16"),
    "two_nodes": (DistributedType.MULTI_GPU, 16, 2, "bf16"),
    "deepspeed_zero2": (DistributedType.DEEPSPEED, 8, 1, "bf16"),
}


def test_every_file_is_expected():
    assert accelerate_configs().keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_accelerate_reads_the_file_and_knows_all_its_keys(name):
    config = load_config_from_file(str(accelerate_configs()[name]))
    found = (config.distributed_type, config.num_processes, config.num_machines, config.mixed_precision)
    assert found == EXPECTED[name]


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
