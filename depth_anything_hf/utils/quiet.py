# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Hide the progress bars of libraries, so that a command shows one bar, its own; and what they do to logging."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .environment import environment_flag


VERBOSE = "DEPTH_ANYTHING_HF_VERBOSE"
# Small files are downloaded by HTTP, weights by Xet: the bar of weights stays.
HUB_BARS_OF_SMALL_FILES = ("huggingface_hub.http_get", "huggingface_hub.snapshot_download")


_waits_for_transformers = False


def quiet_libraries(verbose: bool = False, *, when_imported: bool = False) -> None:
    """Hide the bars "Loading weights", "Writing model shards", "Generating train split" and those of small downloads.

    Imports transformers, so call it where a model is about to be loaded, not for `--help`. The download of weights
    keeps its bar, because it can take minutes. Settings of the libraries' own environment variables win.

    Args:
        verbose: leave all bars as they are, as the environment variable `DEPTH_ANYTHING_HF_VERBOSE=1` does.
        when_imported: import nothing now; `quiet_transformers` then hides the bars as soon as they are needed.
    """
    global _waits_for_transformers
    if verbose or environment_flag(VERBOSE):
        return
    if when_imported and "transformers" not in sys.modules:
        _waits_for_transformers = True
        return
    if "datasets" in sys.modules:
        with warnings.catch_warnings():
            # datasets warns where HF_DATASETS_DISABLE_PROGRESS_BARS=0 asks for bars.
            warnings.simplefilter("ignore")
            importlib.import_module("datasets").disable_progress_bars()
    else:
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging as transformers_logging

    hide_bars_of_transformers: Callable[[], None] = transformers_logging.disable_progress_bar
    hub_shows_bars = not are_progress_bars_disabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Hides the bars of transformers and with them all of huggingface_hub.
        hide_bars_of_transformers()
        if hub_shows_bars:
            enable_progress_bars()
            for name in HUB_BARS_OF_SMALL_FILES:
                disable_progress_bars(name)


def quiet_transformers() -> None:
    """Hide the bars that `quiet_libraries` was to hide as soon as transformers is imported."""
    global _waits_for_transformers
    if _waits_for_transformers:
        _waits_for_transformers = False
        quiet_libraries()


@contextmanager
def hide_logged_warnings() -> Iterator[None]:
    """Context manager: nothing below an error is logged by anybody; afterwards what was logged before is again."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def keep_root_logger() -> Iterator[None]:
    """Context manager: imports that set up logging for the whole process leave it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        for handler in root.handlers[:]:
            if handler not in handlers:
                root.removeHandler(handler)
        root.setLevel(level)
