# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Convert the authors' checkpoints (`.pth`) to model folders and back.

- `original`: both conversions, and the card of a converted model.
- `checkpoint`: read the tensors of a `.pth` file without running code that it may contain.
- `published_names`: what a file's name says of its model, which the tensors do not show: metric, V1.
- `state_dict`: tensors under the authors' names: names, shapes, and the configuration that they show.

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .original import convert_original, convert_to_original

_MODULES = {
    "convert_original": "original",
    "convert_to_original": "original",
}

__all__ = [
    "convert_original",
    "convert_to_original",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
