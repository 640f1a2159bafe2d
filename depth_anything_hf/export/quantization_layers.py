# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What stays in floating point in an 8-bit graph, found by structure, as exporters choose names as they like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias


Kind: TypeAlias = Literal["input", "shape", "convolution", "product", "other"]
Reason: TypeAlias = Literal["branches", "positions", "first", "last"]


@dataclass(frozen=True)
class Operation:
    """An operation of a graph.

    Attributes:
        name: unique.
        kind: "input" of the graph, "shape" of its only input, "convolution" of any kind, "product" of matrices, or
            "other".
        inputs: names of the operations whose results it reads; constants may be left out.
        has_bias: of a convolution that adds its bias itself.
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    has_bias: bool = False


def float_layers(operations: Sequence[Operation], output: str) -> dict[str, Reason]:
    """Find the convolutions and products that stay in floating point.

    Args:
        operations: each behind those that it reads.
        output: name of the operation whose result is that of the graph.

    Returns:
        Name -> why: "branches", a convolution without bias whose result is read in more than one place; in DPT these
        bring the four maps to one width, and both a residual unit and the sum behind it read them. "positions", a
        product that the pixels have no part in; "first", the patch embedding; "last", what follows the last sum: the
        head.
    """
    known = {operation.name: operation for operation in operations}
    readers = Counter(name for operation in operations for name in operation.inputs)
    found: dict[str, Reason] = {}
    # Whether the pixels have a part in a result, and whether it has been through a convolution or product.
    has_pixels: dict[str, bool] = {}
    is_behind: dict[str, bool] = {}
    for each in operations:
        inputs = [name for name in each.inputs if has_pixels.get(name, False)]
        has_pixels[each.name] = each.kind == "input" or (each.kind != "shape" and bool(inputs))
        is_layer = each.kind in ("convolution", "product")
        is_behind[each.name] = is_layer or any(is_behind[name] for name in inputs)
        if not is_layer:
            continue
        if not inputs:
            found[each.name] = "positions"
        elif not any(is_behind[name] for name in inputs):
            found[each.name] = "first"
        elif each.kind == "convolution" and not each.has_bias and readers[each.name] > 1:
            found[each.name] = "branches"
    sources = [output]
    # A sum reads two results that the pixels have a part in.
    while len(sources) == 1:
        last = known[sources[0]]
        if last.kind in ("convolution", "product"):
            found[last.name] = "last"
        sources = [name for name in last.inputs if has_pixels.get(name, False)]
    return found
