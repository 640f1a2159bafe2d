# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Processes that `torchrun` starts on a machine without GPUs join in one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from forked_scripts import run_python
from kill_and_resume import log_entries


HELPERS = Path(__file__).parents[1] / "helpers"

SCRIPT = """
import sys
from pathlib import Path

import torch
from kill_and_resume import tiny_model

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import Evaluation, TrainingArguments, fit

torch.set_num_threads(1)
pictures, folder, batch_size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
fit(
    tiny_model(),
    SupervisedRelative(RelativeLoss(gradient_weight=0.5, anchor_weight=1.0)),
    TrainingArguments(
        folder,
        max_steps=4,
        per_device_train_batch_size=batch_size,
        logging_steps=1,
        eval_steps=2,
        save_steps=2,
        max_zero_share=1.0,
    ),
    Mixture([DepthFolder(pictures)], TrainingTransform(28)),
    processor=DepthAnythingImageProcessor.for_input_size(28),
    pretrained=False,
    evaluation=Evaluation(DepthFolder(pictures, limit=3), EvaluationSettings(max_depth=20.0)),
)
"""


def start_by_torchrun(script: Path, *arguments: object) -> None:
    # Nothing says "CPU" to Accelerate, as `accelerate launch` and the fixtures of other tests do.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ACCELERATE_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(HELPERS), *sys.path])
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command = [*launcher, str(script), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="here each process would want a GPU")
def test_two_processes_of_torchrun_are_one_run(tmp_path, labelled_folder):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    run_python(script, labelled_folder, tmp_path / "one", 4)
    start_by_torchrun(script, labelled_folder, tmp_path / "two", 2)
    record = json.loads((tmp_path / "two" / "training_arguments.json").read_text())
    assert record["processes"] == 2
    one, two = (log_entries(tmp_path / name) for name in ("one", "two"))
    assert [entry["step"] for entry in two] == [entry["step"] for entry in one] == [1, 2, 2, 3, 4, 4]
    for left, right in zip(one, two, strict=True):
        for name in ("loss", "eval_delta1"):
            assert left.get(name) == pytest.approx(right.get(name), abs=1e-5), name
    assert len(list((tmp_path / "two" / "checkpoint-4" / "state").glob("process-*.pt"))) == 2
