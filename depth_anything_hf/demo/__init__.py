# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth in the browser: the demo of one model or several, by gradio (extra `demo`).

- `settings`: what the demo is started with: models, limits
- `models`: models opened when first used, one forward pass at a time, at several input sizes
- `result`: the prediction of one picture, kept for one user, and what is shown of it
- `hover`: the map as the browser draws it (`hover.js`, `hover.css`), with the value under the pointer
- `measured`: metres from points that are clicked, as a calibration file
- `downloads`: files of a result in all formats of `predict`, points in space
- `messages`: errors as messages in the browser, and gradio imported without its telemetry
- `layout`: what all tabs share: settings, models, folder, and the same choices
- `picture_tab`: the tab of one picture
- `clips`: a clip predicted into files
- `clip_tab`: the tab of one clip
- `comparison`: two results of one picture, brought to one scale
- `compare_tab`: the tab of two models
- `run_folder`: a run folder as it is now: curves, scores, pictures
- `run_tab`: the tab that shows one, live
- `space`: a Space of the Hub that shows a model: its files and their push
- `app`: the tabs put together, served with limits from a temporary folder of its own (`page.js`, `page.css`: keys
  and names that gradio's parts lack, focus, dark mode)

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .app import build_demo, own_folder, run_demo, serve
    from .settings import DemoSettings
    from .space import push_space, write_space

_MODULES = {
    "DemoSettings": "settings",
    "build_demo": "app",
    "own_folder": "app",
    "push_space": "space",
    "run_demo": "app",
    "serve": "app",
    "write_space": "space",
}

__all__ = ["DemoSettings", "build_demo", "own_folder", "push_space", "run_demo", "serve", "write_space"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
