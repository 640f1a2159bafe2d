# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""All that needs a GPU, in one call of nine minutes at most: tests, speed, and a student trained and scored.

    python benchmarks/gpu.py --prepare        # once, on any machine: renders images for the training, some minutes
    python benchmarks/gpu.py                  # on the machine with the GPU; needs no network
    python benchmarks/gpu.py --dry            # the same on a CPU with everything tiny, in two or three minutes
    python benchmarks/gpu.py --parts speed --original Depth-Anything-V2   # one part; beside a checkout of the original

env: machine and versions. tests: those marked `cuda`, by pytest. speed: training steps and labelling of S, B and L at
518 pixels beside stock transformers and the original code, with the share of the card's matrix rate and memory.
student: teacher, labels and student from the rendered images, for the rest of the time, with scores and pictures.

Each part has a process of its own and a time limit; one that fails takes no other with it. After each, all that is
known is written to OUT/summary.json and OUT/summary.md, and what was printed to OUT/log.txt. The exit code is 0 when
every part was done.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from gpu_parts.plan import DRY_MINUTES, PARTS, ROOT, Settings, choose, command, environment, seconds_for
from gpu_parts.processes import LEFT_OUT, Outcome, run_part
from gpu_parts.summary import all_done, write


MINUTES = 9.0
MOST_WORKERS = 6
WRITTEN = ("summary.json", "summary.md", "tests.jsonl", "speed.json", "student.json", "student.png", "log.txt")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help=f"for all; default: {MINUTES:g}, dry {DRY_MINUTES:g}")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder of the results")
    parser.add_argument("--data", type=Path, help="folder of rendered images; default: runs/gpu-data, dry OUT/data")
    parser.add_argument("--parts", nargs="+", default=[], metavar="PART", help=" ".join(part.name for part in PARTS))
    parser.add_argument("--original", type=Path, help="checkout of DepthAnything/Depth-Anything-V2, to be timed too")
    parser.add_argument("--speed_options", default="", help="of gpu_parts/speed.py, as one word: '--compile'")
    parser.add_argument("--dry", action="store_true", help="tiny, on the CPU, to see that all runs")
    parser.add_argument("--prepare", action="store_true", help="render the images into --data, and end")
    return parser.parse_args()


def prepare(folder: Path) -> None:
    """Render the images that are trained on."""
    path = os.pathsep.join([str(ROOT / "benchmarks"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "gpu_parts.data", str(folder.resolve())], env={**os.environ, "PYTHONPATH": path}
    )
    raise SystemExit(done.returncode)


def main() -> None:
    start = time.monotonic()
    # As an interruption from the keyboard: the part that runs is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = parse_arguments()
    out: Path = arguments.out.resolve()
    if arguments.prepare:
        prepare(arguments.data or Path("runs/gpu-data"))
    try:
        chosen = choose(arguments.parts)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    total = 60 * (arguments.minutes or (DRY_MINUTES if arguments.dry else MINUTES))
    out.mkdir(parents=True, exist_ok=True)
    for name in WRITTEN:
        (out / name).unlink(missing_ok=True)
    data = arguments.data or (out / "data" if arguments.dry else Path("runs/gpu-data"))
    beside = min(MOST_WORKERS, (os.cpu_count() or 1) // 2) if find_spec("xdist") else 1
    facts = {"dry": arguments.dry, "minutes": total / 60, "parts_chosen": [part.name for part in chosen]}
    outcomes: list[Outcome] = []
    text = ""
    with tempfile.TemporaryDirectory(prefix="gpu-") as work:
        settings = Settings(
            *(out, Path(work), data.resolve(), arguments.original and arguments.original.resolve()),
            *(arguments.speed_options, arguments.dry, beside),
        )
        variables = environment(settings, os.environ)
        for part in chosen:
            limit = seconds_for(part, chosen, total, total - (time.monotonic() - start))
            print(f"== {part.name}: {part.purpose}; {limit:.0f} s", flush=True)
            if limit:
                log = Path(work) / f"{part.name}.txt"
                outcome = run_part(part.name, command(part, settings, limit), limit, log, variables, ROOT)
                with (out / "log.txt").open("ab") as logs, log.open("rb") as own:
                    logs.write(f"\n== {part.name}\n".encode())
                    shutil.copyfileobj(own, logs)
            else:
                outcome = Outcome(part.name, LEFT_OUT, reason="too little time was left")
            outcomes.append(outcome)
            print(f"   {outcome.status} in {outcome.seconds:.0f} s {outcome.reason}", flush=True)
            text = write(outcomes, out, {**facts, "seconds": time.monotonic() - start})
    print(f"\n{text}\n{out / 'summary.md'}, {time.monotonic() - start:.0f} s")
    raise SystemExit(0 if all_done(outcomes) else 1)


if __name__ == "__main__":
    main()
