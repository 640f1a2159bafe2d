# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`accelerate launch` with the configurations of the package, on one GPU: DDP and FSDP2 train as one process does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kill_and_resume import free_port, log_entries
from on_gpu import IS_TRIAL, NOT_ON_CPU, ON_GPU
from safetensors.torch import load_file
from tiny_model import TINY_DECODER, TINY_ENCODER
from torch import Tensor
from transformers import AutoModelForDepthEstimation

from depth_anything_hf.cli.launch import accelerate_configs


pytestmark = [*ON_GPU, pytest.mark.xdist_group("launches")]

ROOT = Path(__file__).parents[2]
# What several processes add up in another order.
TOLERANCE = 1e-4


def train(data: Path, output: Path, config: str, *flags: str) -> list[float]:
    """Train four steps under `accelerate launch` on one process; return the losses."""
    # On a CPU the file for one GPU starts nothing but the program itself.
    launcher = ["-m", "accelerate.commands.launch", "--config_file", str(accelerate_configs()[config])]
    launcher += ["--num_processes", "1", "--main_process_port", str(free_port()), "-m", "depth_anything_hf.cli"]
    words = [
        *("train", "--train_data", str(data), "--output_dir", str(output), "--input_size", "56"),
        *("--encoder_config", json.dumps(TINY_ENCODER), "--decoder_config", json.dumps(TINY_DECODER)),
        *("--max_steps", "4", "--save_steps", "2", "--logging_steps", "1", "--max_zero_share", "1"),
        *("--per_device_train_batch_size", "2", *flags),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ACCELERATE_")}
    environment |= {"ACCELERATE_USE_CPU": "true"} if IS_TRIAL else {}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *launcher, *words], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return [entry["loss"] for entry in log_entries(output) if "loss" in entry]


def final_weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory, labelled_folder: Path) -> tuple[Path, list[float]]:
    folder = tmp_path_factory.mktemp("one") / "run"
    return folder, train(labelled_folder, folder, "one_gpu")


@pytest.mark.parametrize("config", ["ddp", pytest.param("fsdp2", marks=NOT_ON_CPU)])
def test_it_trains_as_one_process_does(
    tmp_path: Path, labelled_folder: Path, one_process: tuple[Path, list[float]], config: str
) -> None:
    folder, expected = one_process
    found = train(labelled_folder, tmp_path / "run", config)
    assert len(found) == 4 and found == pytest.approx(expected, abs=TOLERANCE)
    states = {path.name for path in (tmp_path / "run" / "checkpoint-2" / "state").iterdir()}
    assert ("shards" in states) == (config == "fsdp2")
    assert final_weights(tmp_path / "run").keys() == final_weights(folder).keys()
    stock, notes = AutoModelForDepthEstimation.from_pretrained(tmp_path / "run", output_loading_info=True)
    assert type(stock).__module__.startswith("transformers.") and not any(notes.values())


@pytest.mark.slow
def test_a_run_is_resumed(tmp_path: Path, labelled_folder: Path) -> None:
    # Accelerate enters FSDP on accelerators only.
    config = "ddp" if IS_TRIAL else "fsdp2"
    flags = ["--mixed_precision", "bf16"]
    straight = train(labelled_folder, tmp_path / "straight", config, *flags)
    # As a run that was killed after its third step has it.
    shutil.copytree(tmp_path / "straight", tmp_path / "killed", ignore=shutil.ignore_patterns("checkpoint-4"))
    (tmp_path / "killed" / "model.safetensors").unlink()
    resumed = train(labelled_folder, tmp_path / "killed", config, *flags, "--resume_from_checkpoint", "latest")
    assert len(resumed) == 4 and resumed == pytest.approx(straight, abs=TOLERANCE)
    assert resumed[:2] == straight[:2]
