# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Distil a student from pseudo-labels: stored ones, or made during training with --teacher.

accelerate launch examples/distill.py --recipe student --encoder_name_or_path facebook/dinov2-small \\
    --train_data runs/labels --output_dir runs/student
"""

from __future__ import annotations

from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.recipes.student import TYPES, prepare
from depth_anything_hf.utils.messages import errors_in_one_line
from depth_anything_hf.utils.quiet import quiet_libraries


@errors_in_one_line
def main() -> None:
    parts = parse_recipe(*TYPES, description=__doc__ or "")
    quiet_libraries()
    run = prepare(*parts)
    # Its objective, data and held-out sets may be exchanged for one's own here; see docs/own_parts.md.
    run.fit()


if __name__ == "__main__":
    main()
