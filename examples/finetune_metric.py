# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fine-tune a metric model: depth in metres up to a cap, from a relative checkpoint or a DINOv2 encoder.

accelerate launch examples/finetune_metric.py --recipe metric --max_depth 20 \\
    --train_data rooms/ --output_dir runs/metric
"""

from __future__ import annotations

from depth_anything_hf.recipes.metric import TYPES, prepare
from depth_anything_hf.recipes.parser import parse_recipe
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
