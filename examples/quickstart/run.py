# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Run the whole pipeline on this machine's CPU: render, teacher, pseudo-labels, student, evaluation, report.

    python examples/quickstart/run.py                       # minutes on two cores; run again to resume
    python examples/quickstart/run.py --preset long         # better models, about two hours
    python examples/quickstart/run.py --photos my/pictures  # label and show your photographs

Each stage is one of the ordinary commands of `depth-anything-hf`, printed before it runs.
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
from typing import Any

from depth_anything_hf.utils.files import atomic_write


HERE = Path(__file__).parent
PROGRAM = "depth-anything-hf"

# Photographs of ordinary scenes that scikit-image brings along.
PHOTOGRAPHS = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")

# What no command writes, which would check by itself that it replaces no file of the user.
WRITTEN_HERE = ("scores.json", "maps.npz", "report.html")

# name: (labelled renders, unlabelled renders, teacher's steps, student's steps)
PRESETS = {"quick": (1400, 600, 4500, 3600), "long": (6000, 3000, 30000, 12000), "smoke": (8, 4, 4, 3)}


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="quick", help="how much to render and to train")
    parser.add_argument("--photos", type=Path, help="folder of photographs; default: some that scikit-image has")
    parser.add_argument(
        "--output_dir", "--output", type=Path, help="folder of the run; default: runs/quickstart-PRESET"
    )
    parser.add_argument("--seed", type=int, default=0, help="of scenes and training")
    parser.add_argument("--only", nargs="+", metavar="STAGE", help="only these stages, by the names that are printed")
    arguments = parser.parse_args()
    run = (arguments.output_dir or Path("runs") / f"quickstart-{arguments.preset}").resolve()
    check_run_folder(run)
    run.mkdir(parents=True, exist_ok=True)
    photos = arguments.photos.resolve() if arguments.photos else copy_photographs(run / "photographs")
    commands = stages(run, photos, arguments.preset, arguments.seed)
    unknown = set(arguments.only or ()) - set(commands)
    if unknown:
        raise SystemExit(f"unknown stages {', '.join(sorted(unknown))}; known: {', '.join(commands)}")
    for name, command in commands.items():
        if arguments.only is None or name in arguments.only:
            do(run, name, command)
    if arguments.only is not None:
        return
    print(f"\nreport:  {run / 'report.html'}\nstudent: {run / 'student'}  (opens with from_pretrained)")
    print(f"intervals of all that was scored: {PROGRAM} compare {run / 'scores'}/*")


def stages(run: Path, photos: Path, preset: str, seed: int) -> dict[str, list[str]]:
    """Return the commands by the name of their stage, in order."""
    labelled, unlabelled, teacher_steps, student_steps = PRESETS[preset]
    processes = str(min(2, os.cpu_count() or 1))
    held_out = run / "renders-held-out"
    labels = [str(run / "labels-renders"), str(run / "labels-photographs")]

    def render(name: str, count: int, views: int, *others: str) -> list[str]:
        size = ["--family", "hazy-rooms", "--height", "112", "--width", "112", "--processes", processes]
        scenes = ["--count", str(count), "--views_per_scene", str(views), "--seed", str(seed)]
        return [PROGRAM, "render", str(run / name), *scenes, *others, *size]

    def train(command: str, recipe: str, data: list[str], name: str, steps: int) -> list[str]:
        # The models are so small that two processes of one thread are faster than one process of two.
        batch = ["--num_processes", processes, "--per_device_train_batch_size", str(4 // int(processes))]
        return [
            *(PROGRAM, command, "--recipe", recipe, "--train_data", *data, "--output_dir", str(run / name)),
            *("--max_steps", str(steps), "--seed", str(seed), *batch, "--resume_from_checkpoint", "latest"),
            *("--eval_data", str(held_out)),
        ]

    def label(data: Path, output: str) -> list[str]:
        teacher = ["--teacher", str(run / "teacher"), "--device", "cpu"]
        return [PROGRAM, "pseudo-label", str(data), *teacher, "--output_dir", output]

    # Splits of one seed have scene numbers of their own.
    return {
        "render": render("renders", labelled, 4),
        "render held-out scenes": render(held_out.name, min(75, labelled), 3, "--haze", "--first_scene", "100000"),
        "render without labels": render(
            "renders-unlabelled", unlabelled, 2, "--haze", "--no_depth", "--first_scene", "200000"
        ),
        "train teacher": train("train", "quickstart-teacher", [str(run / "renders")], "teacher", teacher_steps),
        "label renders": label(run / "renders-unlabelled", labels[0]),
        "label photographs": label(photos, labels[1]),
        "train student": train("distill", "quickstart-student", labels, "student", student_steps),
        "score": ["python", str(HERE / "scores.py"), str(run)],
        "report": ["python", str(HERE / "report.py"), str(run), "--photos", str(photos)],
    }


def do(run: Path, name: str, command: list[str]) -> None:
    """Run a stage unless the same command has already finished, and note how long it took."""
    record_path = run / "stages.json"
    record = read_record(record_path)
    done = record.get(name)
    if done and done["command"] == command and name != "report":
        print(f"== {name}: done before, in {done['seconds']:.0f} s", flush=True)
        return
    if done and name != "report":
        raise SystemExit(f"{run} holds a run with other settings for '{name}'; give another --output_dir or delete it")
    print(f"\n== {name}\n{shlex.join(command)}", flush=True)
    start = time.monotonic()
    # The program and the Python of this environment, also where it is not on the PATH.
    words = ["-m", "depth_anything_hf.cli", *command[1:]] if command[0] == PROGRAM else command[1:]
    # One thread for each process; no graphics card, so that the times and the report mean the same everywhere.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "HF_HUB_OFFLINE": "1"}
    result = subprocess.run([sys.executable, *words], env=environment)
    if result.returncode != 0:
        raise SystemExit(f"'{name}' failed with exit code {result.returncode}; run the same command again to resume")
    seconds = time.monotonic() - start
    record[name] = {"command": command, "seconds": seconds}
    atomic_write(record_path, json.dumps(record, indent=2) + "\n")
    print(f"== {name}: {seconds:.0f} s", flush=True)


def read_record(path: Path) -> dict[str, dict[str, Any]]:
    """Return what `stages.json` says of each finished stage."""
    try:
        record = json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        record = None
    if not isinstance(record, dict) or any("command" not in done for done in record.values()):
        raise SystemExit(
            f"{path} is damaged, or not written by a quickstart; give another --output_dir, or move it away"
        )
    return record


def check_run_folder(run: Path) -> None:
    """End with a message where files of the user would be replaced; those of the commands are theirs to check."""
    is_known = bool(read_record(run / "stages.json"))
    theirs = [] if is_known else [str(run / name) for name in WRITTEN_HERE if (run / name).exists()]
    if theirs:
        raise SystemExit(
            f"{', '.join(theirs)}: already there and not written by a quickstart; give another --output_dir"
        )


def copy_photographs(folder: Path) -> Path:
    """Copy the photographs of scikit-image that show a scene."""
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
