# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`train`, `distill` and `finetune`: from the command line to a model, on one process and on two."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from transformers import AutoModelForDepthEstimation
from typer.testing import CliRunner, Result

from depth_anything_hf.cli.main import app
from depth_anything_hf.recipes import teacher as teacher_program
from depth_anything_hf.recipes.parser import RecipeParser
from depth_anything_hf.recipes.run import save_recipe
from depth_anything_hf.training.arguments import TrainingArguments


ENCODER = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "mlp_ratio": 2}
DECODER = {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8}
SHORT = ["--max_steps", "2", "--logging_steps", "1", "--input_size", "56", "--max_zero_share", "1"]
SCRATCH = ["--encoder_config", json.dumps(ENCODER), "--decoder_config", json.dumps(DECODER), *SHORT]

pytestmark = pytest.mark.usefixtures("fresh_accelerate", "no_launcher")


@pytest.fixture
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID", "ACCELERATE_DYNAMO_BACKEND", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def start(*words: object, launcher: tuple[object, ...] = ()) -> subprocess.Popen[str]:
    """Start the program as a user does."""
    command = [sys.executable, *launcher, "-m", "depth_anything_hf.cli", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "true"}
    return subprocess.Popen(
        [str(word) for word in command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(process: subprocess.Popen[str], code: int = 0) -> str:
    printed = process.communicate(timeout=300)[0]
    assert process.returncode == code, printed[-4000:]
    return printed


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in log_of(folder) if "loss" in entry]


@pytest.fixture
def tiny_model(tmp_path: Path, make_tiny_model: Any) -> Path:
    make_tiny_model().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


# The verbs


def test_train(tmp_path, labelled_folder):
    done = call("train", *SCRATCH, "--train-data", labelled_folder, "--output-dir", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert len(losses(tmp_path / "run")) == 2
    assert AutoModelForDepthEstimation.from_pretrained(tmp_path / "run").config.backbone_config.hidden_size == 32


def test_distill_with_a_teacher(tmp_path, tiny_model, labelled_folder):
    flags = ["--teacher", tiny_model, "--model_name_or_path", tiny_model, "--horizontal_flip", 0]
    pictures = labelled_folder / "images"
    done = call("distill", *SHORT, *flags, "--train_data", pictures, "--output_dir", tmp_path / "run")
    assert done.exit_code == 0, done.output
    # A student that starts as its teacher is right at the first step.
    assert log_of(tmp_path / "run")[0]["ssi"] < 1e-3


def test_finetune(tmp_path, tiny_model, labelled_folder):
    flags = ["--model_name_or_path", tiny_model, "--max_depth", 20, "--train_data", labelled_folder]
    done = call("finetune", *SHORT, *flags, "--output_dir", tmp_path / "run")
    assert done.exit_code == 0, done.output
    config = AutoModelForDepthEstimation.from_pretrained(tmp_path / "run").config
    assert (config.depth_estimation_type, config.max_depth) == ("metric", 20)


def test_the_run_folder_holds_a_recipe_of_the_same_run(tmp_path, labelled_folder):
    flags = ["--recipe", "quickstart-teacher", *SCRATCH, "--train_data", labelled_folder, "--warmup_steps", "0"]
    flags += ["--output_dir", tmp_path / "run", "--mixed_precision", "no"]
    done = call("train", *flags)
    assert done.exit_code == 0, done.output
    path = tmp_path / "run" / "recipe.yaml"
    parser = {"verb": "train", "environment": True}
    first = RecipeParser(teacher_program.TYPES, **parser).parse([str(word) for word in flags])
    again = RecipeParser(teacher_program.TYPES, **parser).parse(["--recipe", str(path)])
    assert again.parts == first.parts
    lines = path.read_text().splitlines()
    assert "warmup_steps: 0  # flag" in lines and "ema_decay: 0.998  # recipe quickstart-teacher" in lines
    assert "verb: train" in lines and "weight_decay: 0.01" in lines
    # Another run is refused by `fit` and leaves the recipe as it was.
    before = path.read_bytes()
    refused = call("train", "--recipe", path, "--seed", "5")
    assert refused.exit_code == 1 and "seed: 0 -> 5" in refused.stderr
    assert path.read_bytes() == before
    # So does one that is refused later.
    missing = str(tmp_path / "checkpoint-7")
    refused = call("train", "--recipe", path, "--resume_from_checkpoint", missing)
    assert refused.exit_code == 1 and "is not a checkpoint" in refused.stderr
    assert path.read_bytes() == before
    assert call("train", "--recipe", path, "--resume_from_checkpoint", "latest").exit_code == 0
    assert "resume_from_checkpoint: latest  # flag" in path.read_text()


def test_files_of_the_user_are_refused_before_the_model_is_opened(tmp_path: Path) -> None:
    words = ["--recipe", "student", "--teacher", tmp_path / "absent", "--model_name_or_path", tmp_path / "absent"]
    words += ["--train_data", tmp_path / "absent", "--output_dir", tmp_path]
    own = tmp_path / "recipe.yaml"
    own.write_text("verb: distill\n\n# mine\n")
    sheet = tmp_path / "dry_run.jpg"
    sheet.write_bytes(b"mine")
    assert "dry_run.jpg: already there" in call("distill", *words, "--dry_run").output
    assert "recipe.yaml: already there" in call("distill", *words).output
    assert own.read_text() == "verb: distill\n\n# mine\n" and sheet.read_bytes() == b"mine"
    # A run that was killed before its first step has left such a file; edited, it is the user's.
    own.unlink()
    arguments = TrainingArguments(output_dir=str(tmp_path))
    for text in ("seed: 1\n", "seed: 2\n"):
        with pytest.raises(KeyboardInterrupt), save_recipe(text, arguments):
            raise KeyboardInterrupt
        assert own.read_text().startswith(text)
    own.write_text(own.read_text().replace("2", "3"))
    with pytest.raises(FileExistsError, match=r"recipe\.yaml"), save_recipe("seed: 4\n", arguments):
        raise AssertionError("the run began")


@pytest.mark.parametrize(
    ("verb", "flag", "text"),
    [
        ("train", "--ssi_weight=0.3", "recipe.loss.ssi_weight: 1.0 -> 0.3"),
        ("train", "--blur=0.5", "recipe.augmentation.blur: 0.0 -> 0.5"),
        ("distill", "--ignore_largest=0.2", "recipe.loss.ignore_largest: 0.0 -> 0.2"),
        ("finetune", "--variance_focus=0.8", "recipe.loss.variance_focus: 0.5 -> 0.8"),
    ],
)
def test_losses_and_augmentation_stay_the_same_on_a_resume(tmp_path, labelled_folder, verb, flag, text):
    words = [verb, *SCRATCH, "--train_data", labelled_folder, "--output_dir", tmp_path / "run", "--save_steps", "1"]
    words += ["--max_depth", "20"] if verb == "finetune" else []
    assert call(*words).exit_code == 0
    resume = ["--resume_from_checkpoint", "latest"]
    for more in ([*resume, flag], [flag, "--dry_run", *resume]):
        changed = call(*words, *more)
        assert changed.exit_code == 1 and text in changed.output, changed.output
    assert call(*words, *resume).exit_code == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path, labelled_folder):
    (tmp_path / "file").touch()
    done = call("train", *SCRATCH, "--train_data", labelled_folder, "--output_dir", tmp_path / "file")
    assert done.exit_code == 1 and f"{tmp_path / 'file'} cannot be written: " in done.stderr


def test_a_run_that_cannot_start_leaves_no_folder(tmp_path):
    done = call("train", *SCRATCH, "--train_data", tmp_path / "nothing", "--output_dir", tmp_path / "run")
    assert done.exit_code == 1 and not list(tmp_path.iterdir())


# What is seen before the start


def test_print_config_tells_sources_and_opens_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    mine = tmp_path / "mine.yaml"
    mine.write_text("seed: 4\n")
    flags = ["--encoder_name_or_path", "no/where", "--train_data", tmp_path / "nothing", "--num_processes", "2"]
    flags += ["--output_dir", tmp_path / "run", "--print_config", "--recipe", "teacher", "--recipe", mine]
    done = call("train", *flags)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert f"seed: 4  # recipe {mine}" in lines and "save_steps: 2000  # recipe teacher" in lines
    assert "encoder_name_or_path: no/where  # flag" in lines and "lr_decay_share: 1.0" in lines
    assert "mixed_precision: bf16  # recipe teacher" in lines and "# started with --num_processes 2" in lines
    assert yaml.safe_load(done.output)["verb"] == "train"
    assert not (tmp_path / "run").exists()
    done = call("train", *flags[:-4], "--recipe", mine)
    assert "mixed_precision: bf16  # environment ACCELERATE_MIXED_PRECISION" in done.output.splitlines()


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("verb", ["train", "distill", "distill --teacher", "finetune"])
def test_a_dry_run_writes_nothing_but_its_sheet(tmp_path, tiny_model, labelled_folder, monkeypatch, verb):
    verb, *online = verb.split()
    monkeypatch.chdir(tmp_path)
    data = labelled_folder / "images" if online else labelled_folder
    cap = ["--max_depth", 8.5, "--eval_data", labelled_folder] if verb == "finetune" else []
    teacher = [*online, tiny_model] if online else []
    flags = [
        *cap,
        *teacher,
        "--train_data",
        data,
        "--output_dir",
        tmp_path / "run",
        "--per_device_train_batch_size",
        4,
    ]
    before = files_below(tmp_path)
    done = call(verb, *SCRATCH, *flags, "--max_steps", 100_000, "--dry_run")
    assert done.exit_code == 0, done.output
    assert files_below(tmp_path) == sorted([*before, "run/dry_run.jpg"])
    assert "batch: " in done.output and "pixel_values [4, 3, 56, 56]" in done.output
    assert "are valid, values" in done.output and "MiB" in done.output and "s a step of 4 images" in done.output
    assert "a run that starts now ends " in done.output and f"see {tmp_path / 'run' / 'dry_run.jpg'}" in done.output
    scored = "held-out images are scored with alignment: none, depth 0.001 to 8.5 m"
    assert (scored in done.output) is (verb == "finetune")
    picture = cv2.imread(str(tmp_path / "run" / "dry_run.jpg"))
    # A row of three samples with labels, then four rows of the first batch.
    assert picture.shape[0] > 5 * 56 and picture.shape[1] >= 6 * 56
    # The folder is free for the run itself.
    assert call(verb, *SCRATCH, *flags).exit_code == 0


def test_labels_of_ones_own_are_checked_by_a_dry_run_and_a_run_names_the_command(tmp_path, labelled_folder):
    rooms = tmp_path / "as stored"
    shutil.copytree(labelled_folder, rooms)
    for path in (rooms / "depth").iterdir():
        np.save(path, 1000 * np.load(path))
    flags = ["--train_data", rooms, "--output_dir", tmp_path / "my run"]
    done = call("train", *SCRATCH, *flags, "--dry_run")
    assert done.exit_code == 0
    assert f"warning: {rooms}: unit: " in done.output and "millimetres; set scale: 1000 (--scale" in done.output
    done = call("train", *SCRATCH, *flags)
    (line,) = [line for line in done.output.splitlines() if line.startswith("are the labels right?")]
    words = shlex.split(line.partition("`depth-anything-hf ")[2].partition("`")[0])
    assert words == ["check", str(tmp_path / "my run" / "recipe.yaml")]
    checked = call(*words)
    assert checked.exit_code == 3 and "unit: " in checked.output
    again = call("train", *SCRATCH, *flags, "--resume_from_checkpoint", "latest")
    assert "are the labels right?" not in again.output


def test_a_dry_run_names_what_would_spoil_a_run(tmp_path, labelled_folder):
    unlabelled = tmp_path / "nothing-valid"
    shutil.copytree(labelled_folder, unlabelled)
    for path in (unlabelled / "depth").iterdir():
        np.save(path, np.full((56, 56), np.nan, dtype=np.float32))
    flags = ["--train_data", labelled_folder, unlabelled, "--output_dir", tmp_path / "run", "--dry_run"]
    done = call("train", *SCRATCH, *flags)
    assert done.exit_code == 1 and "problem: " in done.output and "nothing-valid" in done.output


def test_a_dry_run_names_a_folder_that_is_taken(tmp_path, labelled_folder):
    words = ["train", *SCRATCH, "--train_data", labelled_folder, "--output_dir", tmp_path / "run"]
    assert call(*words).exit_code == 0
    done = call(*words, "--dry_run")
    assert done.exit_code == 1 and "problem: " in done.output and "already holds this run" in done.output


@pytest.mark.parametrize("verb", ["train", "distill", "finetune"])
def test_help_has_groups_and_examples(verb):
    done = call(verb, "--help")
    assert done.exit_code == 0
    text = done.output
    assert text.startswith(f"usage: depth-anything-hf {verb}")
    titles = ["model: exactly one", "data:", "loss", "training:", "processes and machines:", "examples:"]
    places = [text.index(f"\n{title}") for title in titles]
    assert places == sorted(places)
    assert text.count(f"\n  depth-anything-hf {verb} ") == (4 if verb == "distill" else 3)
    # One spelling of each flag.
    assert "--train_data" in text and "--train-data" not in text


# Errors


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["train"], "arguments are required"),
        (["train", "--train_dat", "a", *SCRATCH, "--train_data", "a", "--output_dir", "o"], "mean 'train_data'?"),
        (["train", "--max_steps", "many"], "expected a whole number, got 'many'"),
        (["train", "--train_data", "a", "--output_dir", "o"], "give exactly one of encoder_name_or_path"),
        (["train", *SCRATCH, "--train_data", "a", "--output_dir", "o", "--lr_scheduler_type", "up"], "one of"),
        (["distill", "--recipe", "teacher"], "is for `depth-anything-hf train`, not for `distill`"),
        (["finetune", "--recipe", "nowhere.yaml"], "cannot read the recipe 'nowhere.yaml'"),
        (["train", *SCRATCH, "--train_data", "a", "--output_dir", "o", "--num_processes", "0"], "at least 1"),
    ],
)
def test_a_wrong_command_line_is_one_message_and_code_2(words, text):
    done = call(*words)
    assert done.exit_code == 2
    assert text in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_what_fails_in_a_run_is_one_line_and_code_1(tmp_path, labelled_folder):
    done = call("train", *SCRATCH, "--train_data", tmp_path / "nothing", "--output_dir", tmp_path / "run")
    assert done.exit_code == 1 and done.stderr.startswith("error: ") and "nothing" in done.stderr
    (tmp_path / "wide").mkdir()
    flags = ["--train_data", labelled_folder, "--output_dir", tmp_path / "wide", "--max_output", "1e-9"]
    done = call("train", *SCRATCH, *flags)
    assert done.exit_code == 1 and "error: " in done.stderr and "Traceback" not in done.stderr


# Processes


@pytest.mark.slow
def test_two_processes_join_by_the_command_itself_and_under_torchrun(tmp_path, labelled_folder):
    data = ["--train_data", labelled_folder, "--per_device_train_batch_size", 2]
    common = ["train", *SCRATCH, *data, "--output_dir"]
    printed = end(start(*common, tmp_path / "own", "--num_processes", 2))
    joined = "steps of 4 images on 2 processes, 8 images per epoch"
    assert joined in printed and printed.count("training 0.") == 1
    torchrun = ("-m", "torch.distributed.run", "--nproc_per_node", 2, "--rdzv_backend", "c10d")
    printed = end(start(*common, tmp_path / "torchrun", launcher=(*torchrun, "--rdzv_endpoint", "127.0.0.1:0")))
    assert joined in printed
    assert losses(tmp_path / "own") == losses(tmp_path / "torchrun")
    card = (tmp_path / "own" / "README.md").read_text()
    assert "# 2 processes" in card and "depth-anything-hf train" in card and "--num_processes 2" in card
    assert "# started with --num_processes 2" in (tmp_path / "own" / "recipe.yaml").read_text()


@pytest.mark.slow
def test_an_error_of_two_processes_ends_both(tmp_path):
    flags = ["--train_data", tmp_path / "nothing", "--output_dir", tmp_path / "run", "--num_processes", 2]
    printed = end(start("train", *SCRATCH, *flags), code=1)
    assert "error: " in printed and "nothing" in printed and "Traceback" not in printed


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_stopped_run_of_two_processes_saves_and_says_75(tmp_path, labelled_folder):
    flags = ["--train_data", labelled_folder, "--output_dir", tmp_path, "--max_steps", 100_000, "--save_steps", 10_000]
    process = start("train", *SCRATCH, *flags, "--num_processes", 2)
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "log.jsonl").exists() or not losses(tmp_path):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert "checkpoint saved to" in end(process, code=75)
    finally:
        process.kill()
    assert len(list(tmp_path.glob("checkpoint-*"))) == 1
