# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Convert the authors' checkpoints (`.pth`) to model folders and back.

- `original`: both conversions, and the card of a converted model.
- `state_dict`: tensors under the authors' names: reading, names, shapes, and the configuration that they show.
"""
