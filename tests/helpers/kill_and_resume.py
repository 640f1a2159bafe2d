# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Kills training and labelling at random instants and compares what comes out with runs that were left alone.

    python tests/helpers/kill_and_resume.py --kills 100 --seed 0 --work /tmp/kills

Every run has two processes. They get SIGKILL, which no code can answer, until the run is complete; then a new run
begins, until the kills are spent. In half of the cases both processes die at once, in the other half one of them dies
first and the other lives on for some milliseconds. The processes are forked from one that has imported everything, so
that a run spends its time in training and labelling rather than in imports.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import multiprocessing
import os
import random
import re
import secrets
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file
from transformers import Dinov2Config

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder, PhotoFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.pseudo_labels.fill_shards import label_images
from depth_anything_hf.pseudo_labels.verify import verify_labels
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.trainer import Evaluation, TrainingArguments, fit
from depth_anything_hf.utils.locks import LOCK_FILE


PROCESSES = 2
SIDE_PIXELS = 28
TRAINING_STEPS, SAVE_EVERY, EVALUATE_EVERY = 20, 2, 10
PHOTOS, SHARD_SIZE = 160, 4
# Kills come before this share of the time that a whole run takes, so that most runs are killed more than once.
KILLED_SHARE = 0.75
LATEST_SECOND_KILL_SECONDS = 0.05
# What is counted at a kill, by the kind of work.
UNITS = {"train": "step", "label": "shard"}
# What no two runs share.
MEASURED = ("images_per_second", "seconds", "peak_memory")


# Two processes, started from a warm one


def processes_context() -> multiprocessing.context.ForkServerContext:
    """Where processes start in milliseconds, because this module and all that it needs are imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kill_and_resume"])
    # The warm process does not inherit `sys.path`, and passes silently over what it cannot import.
    earlier = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    try:
        forkserver.ensure_running()
    finally:
        if earlier is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = earlier
    return context


def free_port() -> int:
    """A port that nobody listens at, below those that systems give to whoever asks for any, so that it stays free."""
    while True:
        port = secrets.choice(range(20_000, 30_000))
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def enter_process(
    rank: int, processes: int, port: int, output: str, target: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    """Runs in a new process: a session of its own, the environment of `torchrun`, and its output in a file."""
    os.setsid()
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(processes),
        LOCAL_WORLD_SIZE=str(processes),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        ACCELERATE_USE_CPU="true",
        OMP_NUM_THREADS="1",
    )
    try:
        target(rank, *arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def run_processes(
    target: Callable[..., None],
    arguments: tuple[Any, ...],
    output: Path,
    processes: int = PROCESSES,
    kill_after: float | None = None,
    second_kill_after: float = 0.0,
    timeout: float = 120.0,
) -> bool:
    """Runs `target(rank, *arguments)` in processes that know of each other.

    Args:
        target: a function of a module.
        arguments: for all.
        output: file that takes what they print.
        processes: how many.
        kill_after: seconds until the first is killed; None lets them come to their end.
        second_kill_after: seconds from there until the next is killed.
        timeout: seconds until they count as hanging.

    Returns:
        Whether all came to their end before they were to be killed.

    Raises:
        RuntimeError: a process failed by itself, or they hang.
    """
    context, port = processes_context(), free_port()
    running = [
        context.Process(target=enter_process, args=(rank, processes, port, str(output), target, arguments))
        for rank in range(processes)
    ]
    start = time.monotonic()
    for process in running:
        process.start()
    deadline = start + (timeout if kill_after is None else kill_after)
    for process in running:
        process.join(max(0.0, deadline - time.monotonic()))
    finished = all(process.exitcode == 0 for process in running)
    if not finished:
        # The last process first or the first one: which of them survives the other is a matter of the instants drawn.
        victims = running if int(second_kill_after * 1e6) % 2 else running[::-1]
        died_alone = [process.exitcode for process in running if process.exitcode not in (None, 0)]
        for index, process in enumerate(victims):
            if index:
                time.sleep(second_kill_after)
            _kill(process)
        for process in running:
            process.join()
        if died_alone or kill_after is None:
            reason = f"ended with {died_alone}" if died_alone else f"did not end within {timeout:g} s"
            raise RuntimeError(f"{target.__name__} {reason}; the end of its output:\n{output.read_text()[-3000:]}")
    return finished


def _kill(process: Any) -> None:
    if process.exitcode is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        # Killed before it had a session of its own.
        process.kill()


# The two jobs


def tiny_model(seed: int = 0) -> DepthAnythingForDepthEstimation:
    torch.manual_seed(seed)
    encoder = Dinov2Config(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=SIDE_PIXELS, patch_size=14
    )
    config = DepthAnythingConfig.from_encoder_config(
        encoder, neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=8, head_hidden_size=8
    )
    return DepthAnythingForDepthEstimation(config)


def write_pictures(root: Path) -> None:
    """Photographs for labelling, and eight of them with depth for training."""
    for name in ("photos", "train/images", "train/depth"):
        (root / name).mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for index in range(PHOTOS):
        image = generator.integers(0, 256, (SIDE_PIXELS, SIDE_PIXELS, 3), dtype=np.uint8)
        cv2.imwrite(str(root / "photos" / f"{index:03d}.png"), image)
        if index < 8:
            cv2.imwrite(str(root / "train" / "images" / f"{index}.png"), image)
            depth = generator.uniform(1.0, 9.0, (SIDE_PIXELS, SIDE_PIXELS)).astype(np.float32)
            np.save(root / "train" / "depth" / f"{index}.npy", depth)


def train(rank: int, data: Path, folder: Path) -> None:
    dataset = DepthFolder(data / "train")
    fit(
        # The weights that a resumed run begins with must not matter.
        tiny_model(seed=0 if not list(folder.glob("checkpoint-*")) else 7),
        SupervisedRelative(RelativeLoss(gradient_weight=0.5, anchor_weight=1.0)),
        TrainingArguments(
            output_dir=str(folder),
            max_steps=TRAINING_STEPS,
            per_device_train_batch_size=2,
            gradient_accumulation_steps=2,
            cutmix_probability=0.5,
            ema_decay=0.9,
            logging_steps=1,
            save_steps=SAVE_EVERY,
            save_total_limit=2,
            eval_steps=EVALUATE_EVERY,
            max_zero_share=1.0,
            resume_from_checkpoint="latest",
        ),
        Mixture([dataset], TrainingTransform(SIDE_PIXELS, colour_jitter=0.5)),
        processor=DepthAnythingImageProcessor.for_input_size(SIDE_PIXELS),
        pretrained=False,
        evaluation=Evaluation(DepthFolder(data / "train", limit=3), EvaluationSettings(max_depth=20.0), batch_size=2),
        card={"role": "teacher", "lineage": {"encoder": "random weights"}},
    )


def label(rank: int, data: Path, folder: Path) -> None:
    processor = DepthAnythingImageProcessor.for_input_size(SIDE_PIXELS)
    label_images(
        DepthPredictor(tiny_model(), processor, batch_size=SHARD_SIZE),
        PhotoFolder(data / "photos"),
        folder,
        provenance={"teacher": "tiny"},
        shard_size=SHARD_SIZE,
        process_index=rank,
        process_count=PROCESSES,
        progress=False,
    )


# What comes out


def differences(left: Any, right: Any, where: str = "") -> Iterator[str]:
    """Where two structures of tensors, containers and plain values differ, bit for bit."""
    if isinstance(left, torch.Tensor | np.ndarray):
        one, other = torch.as_tensor(left), torch.as_tensor(right)
        if one.dtype != other.dtype or not torch.equal(one, other):
            yield where
    elif isinstance(left, dict):
        if left.keys() != right.keys():
            yield f"{where}: only one of the two has {sorted(map(str, left.keys() ^ right.keys()))}"
        else:
            for key in left:
                yield from differences(left[key], right[key], f"{where}/{key}")
    elif isinstance(left, list | tuple):
        if len(left) != len(right):
            yield f"{where}: {len(left)} and {len(right)} items"
        else:
            for index, pair in enumerate(zip(left, right, strict=True)):
                yield from differences(*pair, f"{where}[{index}]")
    elif left != right and not (isinstance(left, float) and math.isnan(left) and math.isnan(right)):
        yield f"{where}: {left!r} and {right!r}"


def training_outcome(folder: Path) -> dict[str, Any]:
    """Everything a training run leaves that must not depend on kills: weights, states, log without measured times."""
    outcome: dict[str, Any] = {"log": log_entries(folder), "results": results_rows(folder)}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".safetensors":
            outcome[name] = load_file(path)
        elif path.suffix in (".bin", ".pt"):
            outcome[name] = torch.load(path, weights_only=True)
        elif path.suffix == ".pkl":
            # Random numbers, in the file format of Accelerate and by this run itself.
            outcome[name] = torch.load(path, weights_only=False)
    return outcome


def log_entries(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if not key.startswith(MEASURED)} for line in lines]


def results_rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if not key.startswith(MEASURED)} for row in rows]


def label_outcome(folder: Path) -> dict[str, Any]:
    """All rows by name; a row that is there twice, or a shard whose checksum is wrong, is an error."""
    check = verify_labels(folder)
    assert check.is_sound, str(check)
    rows: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.parquet")):
        if path.name.startswith("."):
            continue
        for row in pq.read_table(path).to_pylist():
            if row["name"] in rows:
                raise AssertionError(f"{row['name']} was labelled twice, the second time in {path}")
            rows[row["name"]] = row
    return dict(sorted(rows.items()))


def unfinished(folder: Path) -> list[str]:
    """Files and folders in the middle of being written; their names begin with a dot."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*")) if folder.exists() else []


# Kills


@dataclass
class Job:
    """One of the two kinds of work, how long it takes undisturbed, and what it gives then."""

    name: str
    target: Callable[..., None]
    outcome: Callable[[Path], dict[str, Any]]
    seconds: float = 0.0
    expected: dict[str, Any] = field(default_factory=dict)

    def progress(self, folder: Path) -> int:
        """Steps logged, or shards written."""
        if self.name == "label":
            return len(list(folder.glob("labels-*.parquet")))
        log = folder / "log.jsonl"
        return log.read_text().count('"loss"') if log.exists() else 0


@dataclass
class Kill:
    """When one kill fell: into which work, after how many seconds and steps or shards, and into the write of what."""

    job: str
    seconds: float
    progress: int
    within: str


@dataclass
class Report:
    """What happened: the kills, and the runs that were completed and compared."""

    kills: list[Kill] = field(default_factory=list)
    completed: Counter[str] = field(default_factory=Counter)
    undisturbed_seconds: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        lines = [f"{len(self.kills)} kills in {self.seconds:.0f} s; undisturbed: {self.undisturbed_seconds}"]
        for job in sorted(self.completed):
            kills = [kill for kill in self.kills if kill.job == job]
            writes = Counter(kill.within for kill in kills if kill.within)
            lines.append(
                f"{job}: {len(kills)} kills in {self.completed[job]} runs, all equal to the undisturbed one, with no "
                f"unfinished file left; {sum(kill.progress == 0 for kill in kills)} kills before the first "
                f"{UNITS[job]}, {writes.total()} within a write {dict(writes)}; {UNITS[job]}s done at the "
                f"kills: {sorted(kill.progress for kill in kills)}"
            )
        return "\n".join(lines)


@contextmanager
def _explained(job: Job, kills: list[Kill], output: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{job.name} after {kills[-5:]}, see {output}: {error}") from error


def kill_repeatedly(kills: int, seed: int, work: Path) -> Report:
    """Spends `kills` on training and labelling in turn.

    Args:
        kills: how many; each takes both processes of a run.
        seed: of the instants. The same seed does not repeat a run, because the machine is never equally fast.
        work: an empty or absent folder.

    Returns:
        The report; whatever comes out otherwise than it should is an `AssertionError`.
    """
    instants = random.Random(seed)
    start = time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    write_pictures(work)
    training, labelling = Job("train", train, training_outcome), Job("label", label, label_outcome)
    report = Report()
    # The first process pays for the imports.
    run_processes(label, (work, work / "warm"), work / "warm.txt")
    for job in (training, labelling):
        begin = time.monotonic()
        run_processes(job.target, (work, work / job.name), work / f"{job.name}.txt")
        job.seconds = time.monotonic() - begin
        job.expected = job.outcome(work / job.name)
        report.undisturbed_seconds[job.name] = round(job.seconds, 2)
    assert len(labelling.expected) == PHOTOS, f"{len(labelling.expected)} rows of {PHOTOS} photographs"
    run = 0
    while len(report.kills) < kills:
        spent_on = Counter(kill.job for kill in report.kills)
        job = min(training, labelling, key=lambda job: spent_on[job.name])
        folder, output = work / f"run-{run}", work / f"run-{run}.txt"
        with _explained(job, report.kills, output):
            _kill_until_complete(job, work, folder, output, kills, instants, report)
            different = list(differences(job.expected, job.outcome(folder)))
        assert not different, f"{job.name} run {run} differs from the undisturbed one in {different[:5]}; see {output}"
        left = unfinished(folder)
        assert not left, f"{job.name} run {run} left {left} behind"
        report.completed[job.name] += 1
        shutil.rmtree(folder)
        run += 1
    report.seconds = time.monotonic() - start
    return report


def _kill_until_complete(
    job: Job, data: Path, folder: Path, output: Path, kills: int, instants: random.Random, report: Report
) -> None:
    while True:
        spent = len(report.kills) >= kills
        kill_after = None if spent else instants.uniform(0.0, KILLED_SHARE * job.seconds)
        second = instants.choice((0.0, instants.uniform(0.0, LATEST_SECOND_KILL_SECONDS)))
        if run_processes(job.target, (data, folder), output, kill_after=kill_after, second_kill_after=second):
            return
        assert kill_after is not None
        # The lock of a run is there from its beginning to its end.
        files = [Path(name).name for name in unfinished(folder) if name != LOCK_FILE]
        within = [re.sub(r"^\W*([a-z]*).*", r"\1", name) for name in files]
        report.kills.append(Kill(job.name, kill_after, job.progress(folder), "".join(within[:1])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, required=True, help="an empty or absent folder")
    arguments = parser.parse_args()
    if arguments.work.exists() and any(arguments.work.iterdir()):
        parser.error(f"{arguments.work} is not empty")
    sys.stdout.write(f"{kill_repeatedly(arguments.kills, arguments.seed, arguments.work)}\n")


if __name__ == "__main__":
    # Under its own name, so that the warm process imports it once and finds the functions.
    import kill_and_resume

    kill_and_resume.main()
