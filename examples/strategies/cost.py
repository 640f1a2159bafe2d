# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What a strategy costs: peak memory, time of a step and trained parameters, in a process of its own.

    python examples/strategies/cost.py OUTPUT.json train --recipe ... (the words of a command)

The peak is that of the process minus what it had before the model was made, with all libraries imported; on a GPU that
of the allocator.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from study_plan import BY_NAME, METRIC_DOMAIN, Preset, Trial
from trials import Setting, command_of, fit_command

from depth_anything_hf.utils.files import atomic_write
from depth_anything_hf.utils.messages import counted
from depth_anything_hf.utils.quiet import quiet_libraries


STEPS = 14


def cost_path(setting: Setting, strategy: str) -> Path:
    """Return the file with the cost of a strategy."""
    return setting.folder / "costs" / f"{BY_NAME[strategy].slug}.json"


def measure_costs(setting: Setting, preset: Preset, workers: int) -> dict[str, dict[str, Any]]:
    """Measure the strategies that have no cost yet, several processes at a time; return all costs by strategy.

    The decoder's rate and the number of images have no part in the cost, and remedies cost what the reference does.
    """
    domain = next((each for each in preset.domains if each != METRIC_DOMAIN), preset.domains[0])
    names = [each.name for each in preset.chosen(domain, preset.central) if not each.is_remedy]
    missing = [each for each in names if not cost_path(setting, each).exists()]
    trials = (Trial(domain, min(preset.images), each, preset.rates[0], 0, STEPS, "main") for each in missing)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda trial: _measure_one(setting, trial), trials))
    return {each: json.loads(cost_path(setting, each).read_text(encoding="utf-8")) for each in names}


def _measure_one(setting: Setting, trial: Trial) -> None:
    run = setting.folder / "running" / f"cost-{trial.name}"
    run.mkdir(parents=True, exist_ok=True)
    words = command_of(setting, replace(trial, steps=STEPS), run / "run")
    threads = {"OMP_NUM_THREADS": str(setting.threads)}
    # Freed memory goes back, so that the peak is that of what is needed at one time.
    environment = {**os.environ, **threads, "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "65536"}
    if setting.use_cpu:
        environment["ACCELERATE_USE_CPU"] = "true"
    output = cost_path(setting, trial.strategy)
    command = [sys.executable, __file__, str(output), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"measuring {trial.strategy} failed: {done.stderr[-2000:]}")
    shutil.rmtree(run)


def main(output: Path, words: Iterable[str]) -> None:
    """Take a few steps and write what they cost."""
    import torch

    from depth_anything_hf.training import trainer  # noqa: F401  so that libraries count before the model
    from depth_anything_hf.training.memory import peak_memory_mib

    quiet_libraries()
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    torch.set_num_threads(threads)
    on_gpu = torch.cuda.is_available() and os.environ.get("ACCELERATE_USE_CPU") != "true"
    device = torch.device("cuda" if on_gpu else "cpu")
    before = peak_memory_mib(device)
    clock = fit_command(list(words))
    output.parent.mkdir(parents=True, exist_ok=True)
    cost = {
        "peak_mib": peak_memory_mib(device) - before,
        "seconds_per_step": clock.seconds(),
        "trained_parameters": clock.trained,
        "device": torch.cuda.get_device_name() if on_gpu else f"CPU, {counted(threads, 'thread')}",
    }
    atomic_write(output, json.dumps(cost, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
