# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tab that shows a run folder live: curves, scores, pictures, read again as the training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..data.decoding.images import read_image
from ..visualization.figures import sheet
from .layout import Demo, fit_for_screen
from .messages import load_gradio, text_for_browser
from .run_folder import find_runs, read_run, stamp_of_run


SECONDS = 5.0
NO_RUN = "No run here yet: a training writes `results.csv` after its first log entry."


def run_tab(demo: Demo, root: Path, blocks: Any) -> None:
    """Lay out the tab, and read the runs below a folder again and again while it is looked at.

    Args:
        demo: that the tab is of.
        root: a run folder, or a folder of run folders.
        blocks: that the tab is in.
    """
    gr = load_gradio()
    names = find_runs(root)
    with gr.Row():
        run = gr.Dropdown(
            _choices(root, names), value=names[0] if names else None, label="Run", info="Newest first.", elem_id="run"
        )
        find = gr.Button("Look for runs", min_width=160, scale=0, elem_id="find-runs")
    text = gr.Markdown(NO_RUN, elem_id="run-text")
    curves = gr.Image(
        label="Curves", format="png", interactive=False, buttons=["download", "fullscreen"], elem_id="curves"
    )
    scores = gr.Dataframe(
        headers=["score", "now", "best", "at step"],
        label="Scores of the held-out images",
        column_widths=["40%", "20%", "20%", "20%"],
        interactive=False,
        elem_id="scores",
    )
    pictures = gr.Gallery(
        label="Pictures of the run",
        columns=3,
        object_fit="contain",
        height="auto",
        interactive=False,
        elem_id="pictures",
    )
    seen = gr.State(None)
    timer = gr.Timer(SECONDS)
    outputs = [seen, text, curves, scores, pictures]

    def show(name: str | None, before: Any = None) -> tuple[Any, ...]:
        if not name:
            return None, NO_RUN, None, [], []
        if before == (name, stamp_of_run(root / name)):
            return tuple(gr.skip() for _ in outputs)
        try:
            view = read_run(root, name)
        except (OSError, ValueError) as error:
            # Of a run that is moved or removed meanwhile. No message of its own, which would come every few seconds.
            words = text_for_browser(str(error), (root.resolve(), root))
            return (name, None), f"**{words}.** What is below is how it was.", *(gr.skip() for _ in outputs[2:])
        charts = list(view.charts.values())
        curves = sheet([charts[start : start + 2] for start in range(0, len(charts), 2)]) if charts else None
        rows = [[score, f"{now:.4g}", f"{best:.4g}", step] for score, now, best, step in view.scores]
        # gradio serves copies of them, for the run folder itself is not served.
        files, unread = [], []
        for path in view.pictures:
            try:
                files.append((fit_for_screen(read_image(path)), path.stem.replace("_", " ")))
            except (OSError, ValueError):
                unread.append(path.name)
        text = view.text
        if unread:
            # As it is being written; then it is read again at the next look.
            text += f" Not read yet, or damaged: {text_for_browser(', '.join(unread))}."
        return (name, None if unread else view.stamp), text, curves, rows, files

    def look() -> Any:
        names = find_runs(root)
        return gr.Dropdown(_choices(root, names), value=names[0] if names else None)

    shown = demo.guard(show)
    timer.tick(shown, [run, seen], outputs, show_progress="hidden")
    blocks.load(shown, [run, seen], outputs, show_progress="hidden")
    run.change(demo.guard(lambda name: show(name)), run, outputs, show_progress="hidden")
    find.click(demo.guard(look), None, run)


def _choices(root: Path, names: list[str]) -> list[tuple[str, str]]:
    return [(root.resolve().name if name == "." else name, name) for name in names]
