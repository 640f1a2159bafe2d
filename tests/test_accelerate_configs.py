# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The launch files: Accelerate reads them, they wrap what they should, and the Slurm script passes on what it must."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from accelerate.utils.fsdp_utils import fsdp2_prepare_auto_wrap_policy

from depth_anything_hf.training.distributed import units_to_shard


EXAMPLES = Path(__file__).parents[1] / "examples"
FOLDER = EXAMPLES / "configs" / "accelerate"
SLURM_SCRIPT = EXAMPLES / "slurm" / "train_two_nodes.sh"

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
    assert {path.stem for path in FOLDER.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_accelerate_reads_the_file_and_knows_all_its_keys(name):
    config = load_config_from_file(str(FOLDER / f"{name}.yaml"))
    found = (config.distributed_type, config.num_processes, config.num_machines, config.mixed_precision)
    assert found == EXPECTED[name]


def test_fsdp_wraps_the_same_modules_as_the_package(make_tiny_model):
    keys = load_config_from_file(str(FOLDER / "fsdp2.yaml")).fsdp_config
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


@pytest.fixture
def cluster(tmp_path: Path) -> dict[str, str]:
    """Stands in for Slurm: `srun` starts two tasks one after the other, `scontrol` writes down what it is told."""
    commands = {
        "scontrol": f'echo "$@" >> {tmp_path}/scontrol.txt\nif [ "$1" = show ]; then echo first; echo second; fi',
        "srun": 'while [[ "$1" == --* ]]; do shift; done\n'
        'for task in 0 1; do SLURM_PROCID=$task SLURM_LOCALID=$task "$@" || status=$?; done\nexit ${status:-0}',
    }
    for name, body in commands.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    slurm = {"SLURM_JOB_ID": "20007", "SLURM_JOB_NODELIST": "list", "SLURM_NTASKS": "16"}
    return {**os.environ, **slurm, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize(("code", "end", "requeued"), [(0, 0, False), (75, 0, True), (1, 1, False)])
def test_the_slurm_script_starts_resumes_and_goes_back_into_the_queue(tmp_path, cluster, code, end, requeued):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "names = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT', 'ACCELERATE_MIXED_PRECISION')\n"
        "print(*(os.environ[name] for name in names), *sys.argv[1:])\n"
        f"sys.exit({code})\n"
    )
    done = subprocess.run(
        ["bash", str(SLURM_SCRIPT), str(script), "--output_dir", "a folder"],
        env=cluster,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == end, done.stderr
    lines = [line for line in done.stdout.splitlines() if "--output_dir" in line]
    flags = "--output_dir a folder --resume_from_checkpoint latest"
    assert lines == [f"{rank} {rank} 16 first 20007 bf16 {flags}" for rank in (0, 1)]
    assert ("requeue 20007" in (tmp_path / "scontrol.txt").read_text().splitlines()) == requeued
