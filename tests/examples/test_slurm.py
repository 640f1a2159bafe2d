# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The Slurm script passes on what it must, and goes back into the queue when a run says so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


SLURM_SCRIPT = Path(__file__).parents[2] / "examples" / "slurm" / "train_two_nodes.sh"


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


def test_the_slurm_script_starts_a_command_of_the_program(tmp_path, cluster):
    program = tmp_path / "depth-anything-hf"
    program.write_text('#!/bin/bash\necho "$RANK" "$LOCAL_RANK" "$WORLD_SIZE" "$@"\n')
    program.chmod(0o755)
    words = ["distill", "--recipe", "student", "--output_dir", "a folder"]
    command = ["bash", str(SLURM_SCRIPT), *words]
    done = subprocess.run(command, env=cluster, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    flags = "distill --recipe student --output_dir a folder --resume_from_checkpoint latest"
    assert done.stdout.splitlines() == [f"{rank} {rank} 16 {flags}" for rank in (0, 1)]
