# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Label photographs with a teacher, into parquet shards that `distill.py` and `load_dataset` read.

    accelerate launch examples/pseudo_label.py --teacher runs/teacher --data photos/ --output_dir runs/labels

The command `depth-anything-hf pseudo-label` does the same. Run it again to resume an interrupted run. Processes
and machines share the images by RANK and WORLD_SIZE, as torchrun and accelerate set them, or by their numbers under
`srun`.
"""

from __future__ import annotations

from depth_anything_hf.cpu.memory import keep_freed_memory
from depth_anything_hf.pseudo_labels.runner import LabelArguments, label, push
from depth_anything_hf.recipes.parser import parse_recipe
from depth_anything_hf.utils.messages import counted, errors_in_one_line
from depth_anything_hf.utils.quiet import quiet_libraries


@errors_in_one_line
def main() -> None:
    (arguments,) = parse_recipe(LabelArguments, description=__doc__ or "")
    keep_freed_memory()
    quiet_libraries()
    report = label(arguments)
    place = f"process {arguments.process_index}"
    found = f"{counted(report.labelled, 'image')} labelled in {counted(len(report.shards), 'shard')}"
    print(f"{place}: {found} in {arguments.output_dir}")
    for name, reason in report.skipped:
        print(f"{place}: skipped {name}: {reason}")
    if arguments.push_to_hub:
        print(f"{place}: {push(arguments) or 'the process that ends last pushes'}")


if __name__ == "__main__":
    main()
