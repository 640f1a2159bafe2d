# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Score a depth model on a benchmark or on your own labelled images, on any number of processes.

    accelerate launch examples/evaluate.py --model runs/student --protocol nyu --root path/to/nyu --output_dir scores
    accelerate launch examples/evaluate.py --model runs/student --data path/to/rooms --output_dir scores

The command `depth-anything-hf evaluate` does the same. With --protocol everything that decides a number is fixed by
the protocol (docs/evaluation.md); `moge-bundle` runs all sets of MoGe's bundle that are there. With --data a relative
model is aligned to each label in disparity; a metric model is compared in metres.
"""

from __future__ import annotations

import sys

from depth_anything_hf.cpu.memory import keep_freed_memory
from depth_anything_hf.evaluation.runner import EvaluationArguments, run
from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.utils.messages import errors_in_one_line
from depth_anything_hf.utils.quiet import quiet_libraries


@errors_in_one_line
def main() -> None:
    (arguments,) = parse_recipe(EvaluationArguments, description=__doc__ or "")
    keep_freed_memory()
    quiet_libraries()
    results = run(arguments, tell=print)
    if not any(result.rows for result in results.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
