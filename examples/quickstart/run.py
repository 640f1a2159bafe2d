# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Walks the whole road on this machine's CPU: render, teacher, pseudo-labels, student, evaluation, report.

    python examples/quickstart/run.py                       # minutes on two cores; run again to go on where it stopped
    python examples/quickstart/run.py --preset long         # better models, about an hour
    python examples/quickstart/run.py --photos my/pictures  # label and show your photographs

Each stage is one of the ordinary commands, printed before it runs.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib.util import find_spec
from pathlib import Path


HERE = Path(__file__).parent
EXAMPLES = HERE.parent

# Photographs of ordinary scenes that scikit-image brings along.
PHOTOGRAPHS = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")

# name: (labelled renders, unlabelled renders, teacher's steps, student's steps)
PRESETS = {"quick": (1400, 600, 4500, 3600), "long": (6000, 3000, 30000, 12000), "smoke": (24, 12, 6, 4)}


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="quick", help="how much to render and to train")
    parser.add_argument("--photos", type=Path, help="folder of photographs; default: some that scikit-image has")
    parser.add_argument("--output", type=Path, help="folder of the run; default: runs/quickstart-PRESET")
    parser.add_argument("--seed", type=int, default=0, help="of scenes and training")
    arguments = parser.parse_args()
    run = (arguments.output or Path("runs") / f"quickstart-{arguments.preset}").resolve()
    run.mkdir(parents=True, exist_ok=True)
    photos = arguments.photos.resolve() if arguments.photos else packaged_photographs(run / "photographs")
    for name, command in stages(run, photos, arguments.preset, arguments.seed).items():
        do(run, name, command)
    print(f"\nreport:  {run / 'report.html'}\nstudent: {run / 'student'}  (opens with from_pretrained)")


def stages(run: Path, photos: Path, preset: str, seed: int) -> dict[str, list[str]]:
    """Stage name to command, in order."""
    labelled, unlabelled, teacher_steps, student_steps = PRESETS[preset]
    processes = min(2, os.cpu_count() or 1)
    common = ["--family", "hazy-rooms", "--height", "112", "--width", "112", "--processes", str(processes)]
    render = [sys.executable, "-m", "depth_anything_hf.cli", "render"]
    held_out = min(75, labelled)
    # The models are so small that two processes of one thread are faster than one process of two.
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    batch = ["--per_device_train_batch_size", str(4 // processes), "--resume_from_checkpoint", "latest"]
    again = ["--seed", str(seed), *batch, "--eval_data", str(run / "renders-held-out")]
    label = [sys.executable, str(EXAMPLES / "pseudo_label.py"), "--teacher", str(run / "teacher")]
    labels = [str(run / "labels-renders"), str(run / "labels-photographs")]
    # Splits of one seed have scene numbers of their own.
    return {
        "render": [*render, str(run / "renders"), "--count", str(labelled), "--views-per-scene", "4"]
        + ["--seed", str(seed), *common],
        "render held-out scenes": [*render, str(run / "renders-held-out"), "--count", str(held_out), "--haze"]
        + ["--views-per-scene", "3", "--first-scene", "100000", "--seed", str(seed), *common],
        "render without labels": [*render, str(run / "renders-unlabelled"), "--count", str(unlabelled), "--haze"]
        + ["--no-depth", "--views-per-scene", "2", "--first-scene", "200000", "--seed", str(seed), *common],
        "train teacher": [*launch, str(EXAMPLES / "train_teacher.py"), "--recipe", "quickstart-teacher"]
        + ["--train_data", str(run / "renders"), "--output_dir", str(run / "teacher")]
        + ["--max_steps", str(teacher_steps), *again],
        "label renders": [*label, "--data", str(run / "renders-unlabelled"), "--output_dir", labels[0]],
        "label photographs": [*label, "--data", str(photos), "--output_dir", labels[1]],
        "train student": [*launch, str(EXAMPLES / "distill.py"), "--recipe", "quickstart-student"]
        + ["--train_data", *labels, "--output_dir", str(run / "student"), "--max_steps", str(student_steps), *again],
        "score": [sys.executable, str(HERE / "scores.py"), str(run)],
        "report": [sys.executable, str(HERE / "report.py"), str(run), "--photos", str(photos)],
    }


def do(run: Path, name: str, command: list[str]) -> None:
    """Runs a stage unless the same command has already finished; notes how long it took."""
    record_path = run / "stages.json"
    record = json.loads(record_path.read_text()) if record_path.exists() else {}
    done = record.get(name)
    if done and done["command"] == command and name != "report":
        print(f"== {name}: done before, in {done['seconds']:.0f} s", flush=True)
        return
    if done and name != "report":
        raise SystemExit(f"{run} holds a run with other settings for '{name}'; give another --output or delete it")
    print(f"\n== {name}\n{shlex.join(command)}", flush=True)
    start = time.monotonic()
    # One thread for each process; no graphics card, so that the times and the report mean the same everywhere.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(command, env=environment)
    if result.returncode != 0:
        raise SystemExit(f"'{name}' failed with exit code {result.returncode}; run the same command again to go on")
    seconds = time.monotonic() - start
    record[name] = {"command": command, "seconds": seconds}
    record_path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"== {name}: {seconds:.0f} s", flush=True)


def packaged_photographs(folder: Path) -> Path:
    """Copies the photographs of scikit-image that show a scene."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit(
            'photographs come with scikit-image: pip install "depth_anything_hf[quickstart]", or --photos DIR'
        )
    folder.mkdir(exist_ok=True)
    for name in PHOTOGRAPHS:
        source = Path(spec.origin).parent / "data" / name
        if source.exists() and not (folder / name).exists():
            shutil.copy(source, folder / name)
    return folder


if __name__ == "__main__":
    main()
