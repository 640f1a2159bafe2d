# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Faster kernels for CPUs, through public PyTorch operations, chosen by measuring them.

- `kernels`: linear layers as 1x1 convolutions, and attention head by head
- `layers`: those kernels inside models: an attention function for transformers, and linear layers inside a block
- `autotune`: measures for each processor, precision, number of threads and size which kernel is faster
- `memory`: whether a process keeps the memory that its tensors have freed (glibc)
"""
