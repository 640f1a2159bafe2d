# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors of the demo: what a user can mend is a message in the browser; what is a bug is logged for the operator."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from ..utils.messages import USER_ERRORS, one_line


logger = logging.getLogger(__name__)

BUG = "This failed by an error of the program, which the operator finds in the demo's log."


def load_gradio() -> Any:
    """Import gradio without its telemetry.

    Raises:
        ImportError: it is missing; the message names the extra.
    """
    import os

    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import gradio
    except ImportError as error:
        raise ImportError('the demo needs gradio: pip install "depth_anything_hf[demo]"') from error
    return gradio


def text_for_browser(text: str, folders: tuple[Path, ...] = ()) -> str:
    """Return a message without the paths of folders on this machine, its signs not read as HTML."""
    for folder in folders:
        for place in (f"{folder}/", f"{folder}\\", str(folder)):
            text = text.replace(place, "")
    return html.escape(text, quote=False)


def errors_as_messages(work: Callable[..., Any], *folders: Path) -> Callable[..., Any]:
    """Return a function of the demo whose errors are messages in the browser.

    Args:
        work: does the work; its parameters stay those that gradio sees.
        folders: whose paths are left out of messages.
    """
    gradio = load_gradio()

    def explained(error: Exception) -> Any:
        if isinstance(error, USER_ERRORS):
            text = one_line(error).removeprefix("error: ")
            return gradio.Error(text_for_browser(text, folders), print_exception=False)
        logger.error("the demo failed", exc_info=error)
        return gradio.Error(BUG, print_exception=False)

    @wraps(work)
    def run(*arguments: Any, **named: Any) -> Any:
        try:
            return work(*arguments, **named)
        except gradio.Error:
            raise
        except Exception as error:
            raise explained(error) from None

    return run
