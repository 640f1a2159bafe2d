# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the command `check` shows of sources: text, JSON, a picture sheet and a page. The rules are in `data.checks`.

- `runner`: a whole check from its arguments, of the command `check`
- `text`: lines for the terminal
- `record`: everything as JSON
- `sheet`: typical and worst samples as one picture
- `page`: one self-contained page

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from ..data.checks.findings import Finding
    from ..data.checks.source_check import SourceCheck, check_source
    from .runner import save_checks

_MODULES = {
    "Finding": "..data.checks.findings",
    "SourceCheck": "..data.checks.source_check",
    "check_source": "..data.checks.source_check",
    "save_checks": ".runner",
}

__all__ = ["Finding", "SourceCheck", "check_source", "save_checks"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
