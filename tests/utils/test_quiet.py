# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bars of libraries are hidden, and come back when asked for."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from depth_anything_hf.utils.quiet import hide_logged_warnings, keep_root_logger


# Each in a process of its own: the libraries keep the setting for the whole process.
REPORT = """
import sys
{before}
from depth_anything_hf.utils.quiet import quiet_libraries
quiet_libraries({arguments})
assert {datasets_was_imported} or "datasets" not in sys.modules
import datasets
from huggingface_hub.utils import are_progress_bars_disabled as hub
from transformers.utils import logging
print(logging.is_progress_bar_enabled(), not datasets.are_progress_bars_disabled(),
      not hub("huggingface_hub.http_get"), not hub("huggingface_hub.xet_get"))
"""


def bars(before: str = "", arguments: str = "", **environment: str) -> list[bool]:
    """Whether bars are shown: of transformers, of datasets, of small downloads, of weights."""
    script = REPORT.format(before=before, arguments=arguments, datasets_was_imported="datasets" in before)
    clean = {name: value for name, value in os.environ.items() if "PROGRESS_BARS" not in name}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", script],
        capture_output=True,
        text=True,
        env={**clean, **environment},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [word == "True" for word in done.stdout.split()]


@pytest.mark.parametrize("before", ["", "import datasets, transformers"])
def test_only_the_download_of_weights_shows_a_bar(before: str) -> None:
    assert bars(before) == [False, False, False, True]


def test_bars_come_back_by_argument_and_by_environment() -> None:
    assert bars(arguments="verbose=True") == [True] * 4
    assert bars(DEPTH_ANYTHING_HF_VERBOSE="1") == [True] * 4


def test_the_libraries_own_variables_win() -> None:
    assert bars(HF_HUB_DISABLE_PROGRESS_BARS="1") == [False] * 4
    assert bars(HF_HUB_DISABLE_PROGRESS_BARS="0", HF_DATASETS_DISABLE_PROGRESS_BARS="0") == [False, True, True, True]


def test_hidden_warnings_are_logged_again_as_before(caplog: pytest.LogCaptureFixture) -> None:
    logger, before = logging.getLogger("other.library"), logging.root.manager.disable
    try:
        for level in (logging.NOTSET, logging.ERROR):
            logging.disable(level)
            with hide_logged_warnings():
                logger.warning("advice")
            assert logging.root.manager.disable == level
        logging.disable(logging.NOTSET)
        logger.warning("seen")
    finally:
        logging.disable(before)
    assert caplog.messages == ["seen"]


def test_imports_that_set_up_logging_leave_it_as_it_was() -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with keep_root_logger():
        root.addHandler(logging.NullHandler())
        root.setLevel(logging.DEBUG)
    assert root.handlers == before and root.level == level
