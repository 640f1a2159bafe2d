# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tab of one clip: depth beside the picture, frames that fit together in time, downloads."""

from __future__ import annotations

from typing import Any

from ..utils.option_errors import OptionError
from .clips import TREATMENTS, predict_clip
from .layout import MODEL_QUEUE, Demo, chosen_size, colour_choice, model_choice, size_choice
from .messages import load_gradio


def clip_tab(demo: Demo) -> None:
    """Lay out the tab, and say what its buttons do; called inside of the demo's blocks."""
    gr = load_gradio()
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            clip = gr.Video(label="Clip", sources=["upload", "webcam"], buttons=[], elem_id="clip")
            clip.preprocess = _path_of
            with gr.Row():
                model, size = model_choice(demo), size_choice(demo)
            colours = colour_choice(demo)
            with gr.Row():
                temporal = gr.Dropdown(
                    list(TREATMENTS),
                    value="align",
                    label="Frames",
                    info="align: brought to one scale; range: one range of colours; none: as predicted.",
                )
                smooth = gr.Checkbox(False, label="Smooth", info="Averaged along motion.")
            button = gr.Button("Predict clip", variant="primary", elem_id="predict-clip")
        with gr.Column(scale=3, min_width=320):
            shown = gr.Video(
                label="Picture and depth", interactive=False, buttons=["download"], elem_id="clip-depth", height=420
            )
            text = gr.Markdown(f"The first {demo.settings.max_frames} frames are predicted.", elem_id="about-clip")
            files = gr.File(
                label="Files: side by side, colours, 16-bit codes without loss",
                file_count="multiple",
                interactive=False,
                visible=False,
                elem_id="clip-files",
            )

    def run(
        path: str | None,
        model: str,
        size: int | str | None,
        colormap: str,
        temporal: str,
        smooth: bool,
        progress: Any = gr.Progress(),  # noqa: B008  # gradio looks for it there
    ) -> tuple[Any, ...]:
        if path is None:
            raise OptionError("there is no clip yet: upload one, or record one with the camera")
        found = predict_clip(
            demo.models,
            path,
            model,
            chosen_size(size),
            demo.folder,
            colormap=colormap,
            temporal=temporal,
            smooth=smooth,
            max_frames=demo.settings.max_frames,
            max_pixels=demo.settings.max_pixels,
            tell=lambda done, total: progress((done, total), unit="frames"),
        )
        return str(found.shown), found.text, gr.File([str(each) for each in found.files], visible=True)

    inputs = [clip, model, size, colours, temporal, smooth]
    button.click(demo.guard(run), inputs, [shown, text, files], **MODEL_QUEUE)


def _path_of(payload: Any) -> str | None:
    """Return the clip as it was uploaded: gradio would convert it, for which it needs FFmpeg's program."""
    return None if payload is None else getattr(payload, "video", payload).path
