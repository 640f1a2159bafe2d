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

from .clip_tab import clip_tab
from .compare_tab import compare_tab
from .downloads import remove_old
from .layout import Demo
from .messages import load_gradio
from .models import DemoModels
from .picture_tab import picture_tab
from .run_tab import run_tab
from .settings import DemoSettings, model_label


TITLE = "Depth Anything"
GRADIO_FOLDER = "GRADIO_TEMP_DIR"
# What the machine has: nothing is fetched.
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO_FONTS = ("ui-monospace", "Menlo", "Consolas", "Liberation Mono", "monospace")
# Users who are there at one time; of further ones the longest idle loses its result.
MOST_SESSIONS = 64
SECONDS_BETWEEN_CLEARINGS = 60
# gradio's page has scripts in itself, and makes programs of text.
POLICY = (b"content-security-policy", b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:")
STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
# Of gradio's theme those that do not have a contrast of 4.5 to 1 on what is behind them.
COLOURS = {
    # The theme's own, which `set` would take back.
    "background_fill_primary": "*neutral_50",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "block_label_text_color": "*primary_700",
    "block_title_text_color": "*primary_700",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_hover_dark": "*primary_700",
    "button_secondary_background_fill_hover_dark": "*primary_700",
    "checkbox_label_background_fill_selected": "*primary_600",
    "checkbox_border_color": "*neutral_500",
    "checkbox_border_color_dark": "*neutral_400",
    "color_accent": "*primary_600",
    **{f"link_text_color{state}": "*primary_700" for state in ("", "_active", "_hover", "_visited")},
    **{f"link_text_color{state}_dark": "*primary_300" for state in ("", "_active", "_hover", "_visited")},
    "input_border_color": "*neutral_400",
    "input_border_width": "1px",
}


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
        names = ", ".join(model_label(name) for name in settings.models)
        gr.Markdown(f"# {TITLE}\n\nDepth of pictures by {names}.", elem_id="header")
        with gr.Tabs():
            with gr.Tab("Picture"):
                picture_tab(demo)
            with gr.Tab("Clip"):
                clip_tab(demo)
            with gr.Tab("Compare"):
                compare_tab(demo)
            if settings.runs is not None:
                with gr.Tab("Run"):
                    run_tab(demo, settings.runs, blocks)
    blocks.queue(max_size=settings.queue_size, default_concurrency_limit=4, api_open=False)
    return blocks


class OwnContentOnly:
    """ASGI middleware: browsers are told to ask no other server, whatever gradio's page would like to load.

    Some of its parts fetch programs of theirs from elsewhere when they are used, such as the one that trims videos.

    Args:
        app: the application inside.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, with the policy in the headers."""

        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), POLICY]}
            await send(message)

        await self._app(scope, receive, send_with_policy)


def serve(blocks: Any, settings: DemoSettings, **options: Any) -> Any:
    """Serve a demo with its limits; other options are those of `gradio.Blocks.launch`.

    Returns:
        What `launch` returns.
    """
    gr = load_gradio()
    from starlette.middleware import Middleware

    theme = gr.themes.Soft(primary_hue="blue", font=list(FONTS), font_mono=list(MONO_FONTS)).set(**COLOURS)
    return blocks.launch(
        **{
            "share": False,
            "max_file_size": round(settings.max_file_mb * 1e6),
            "allowed_paths": [],
            "state_session_capacity": MOST_SESSIONS,
            "footer_links": ["settings"],
            "app_kwargs": {"middleware": [Middleware(OwnContentOnly)]},
            "ssr_mode": False,
            "pwa": False,
            "enable_monitoring": False,
            "show_error": False,
            "theme": theme,
            "css": STYLE,
            "js": SCRIPT,
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
            forever = threading.Event()
            while not forever.wait(SECONDS_BETWEEN_CLEARINGS):
                remove_old(folder, 60 * settings.keep_minutes)
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
