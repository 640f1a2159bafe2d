# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Train a teacher: a relative model, fully fine-tuned on labelled (synthetic) depth.

accelerate launch examples/train_teacher.py --recipe teacher --encoder_name_or_path facebook/dinov2-small \\
    --train_data hypersim/ --output_dir runs/teacher
"""

from __future__ import annotations

from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.recipes.teacher import TYPES, prepare
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
