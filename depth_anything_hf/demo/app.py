# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The demo: its tabs put together, and served with limits, without telemetry, from a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..utils.redaction import redact_name
from .layout import Demo
from .messages import load_gradio
from .models import DemoModels
from .picture_tab import picture_tab
from .settings import DemoSettings


TITLE = "Depth Anything"
GRADIO_FOLDER = "GRADIO_TEMP_DIR"
# What the machine has: nothing is fetched.
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO_FONTS = ("ui-monospace", "Menlo", "Consolas", "Liberation Mono", "monospace")
# Users who are there at one time; of further ones the longest idle loses its result.
MOST_SESSIONS = 64
STYLE = """
.gradio-container { max-width: 1400px !important; margin: 0 auto !important; }
#header h1 { margin-bottom: 0; }
#header p { margin-top: 2px; color: var(--body-text-color-subdued); }
"""


def build_demo(settings: DemoSettings, folder: Path) -> Any:
    """Return the demo as gradio's blocks, not served yet.

    Args:
        settings: models and limits.
        folder: for the files of all users; the only one that is served.

    Raises:
        ImportError: gradio is missing.
        ValueError, OSError: the first model cannot be opened.
    """
    gr = load_gradio()
    demo = Demo(settings, DemoModels(settings), folder)
    # At the start rather than at the first picture: a wrong name can still be mended.
    demo.models.open(settings.models[0])
    seconds = 60 * settings.keep_minutes
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(min(600, seconds), seconds)) as blocks:
        names = ", ".join(redact_name(name) for name in settings.models)
        gr.Markdown(f"# {TITLE}\n\nDepth of one picture, by {names}.", elem_id="header")
        with gr.Tabs(), gr.Tab("Picture"):
            picture_tab(demo)
    blocks.queue(max_size=settings.queue_size, default_concurrency_limit=4, api_open=False)
    return blocks


def serve(blocks: Any, settings: DemoSettings, **options: Any) -> Any:
    """Serve a demo with its limits; other options are those of `gradio.Blocks.launch`.

    Returns:
        What `launch` returns.
    """
    gr = load_gradio()
    theme = gr.themes.Soft(primary_hue="blue", font=list(FONTS), font_mono=list(MONO_FONTS))
    return blocks.launch(
        **{
            "share": False,
            "max_file_size": round(settings.max_file_mb * 1e6),
            "allowed_paths": [],
            "state_session_capacity": MOST_SESSIONS,
            "footer_links": ["settings"],
            "ssr_mode": False,
            "pwa": False,
            "enable_monitoring": False,
            "show_error": False,
            "theme": theme,
            "css": STYLE,
            **options,
        }
    )


def run_demo(settings: DemoSettings, tell: Callable[[str], None], **options: Any) -> None:
    """Serve a demo until Ctrl-C or SIGTERM, and remove its files.

    Args:
        settings: models and limits.
        tell: called with the address when it can be opened, and with the public one under `share`.
        **options: of `serve`.

    Raises:
        OSError: the port is taken.
    """
    with own_folder() as folder, _stopped_by_sigterm():
        blocks = build_demo(settings, folder)
        try:
            _, local, public = serve(blocks, settings, prevent_thread_lock=True, quiet=True, **options)
            for address in filter(None, (local, public)):
                tell(address)
            # Not gradio's own loop, which ends the process' other work as well.
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
        finally:
            blocks.close(verbose=False)


@contextmanager
def own_folder() -> Iterator[Path]:
    """Context manager: a temporary folder that gradio keeps its files in too, removed at the end.

    Yields:
        The folder.
    """
    before = os.environ.get(GRADIO_FOLDER)
    folder = Path(tempfile.mkdtemp(prefix="depth-anything-demo-")).resolve()
    os.environ[GRADIO_FOLDER] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ[GRADIO_FOLDER]
        else:
            os.environ[GRADIO_FOLDER] = before
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Context manager: SIGTERM ends what is inside as Ctrl-C does, so that files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
