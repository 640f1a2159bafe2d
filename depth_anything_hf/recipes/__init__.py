# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Training runs from flags and YAML recipes: one program for each of the verbs train, distill and finetune.

- `arguments`: which model a run starts from, and which data it learns from and is scored on.
- `training_sources`: what arguments say of all sources, their record, and what is left out of them.
- `parser`: dataclasses from flags and recipes, with the source of each value, and back into a recipe.
- `without_effect`: flags that have none beside the other arguments.
- `catalog`: the recipes that come with the package (the YAML files of this folder), and files of one's own.
- `origin`: how this process was started, for model cards.
- `starting_point`: build the model that a run starts from.
- `teacher`: train a relative model on labelled images.
- `student`: distil a student from pseudo-labels.
- `metric`: fine-tune a metric model.
- `run`: a run that is ready to start.
- `label_check`: samples of a run's own labels are looked at before it begins.
- `dry_run`: two steps of a run, a report, and one picture of what every source gives.

The folder `accelerate` holds launch configurations.
"""
