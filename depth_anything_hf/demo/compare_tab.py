# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tab that compares two models on one picture: a slider between them, and where they differ."""

from __future__ import annotations

from typing import Any

from ..utils.option_errors import OptionError
from .comparison import compare_results
from .layout import (
    MODEL_QUEUE,
    Demo,
    chosen_size,
    colour_choice,
    fit_for_screen,
    model_choice,
    picture_input,
    size_choice,
)
from .messages import load_gradio
from .result import predict


def compare_tab(demo: Demo) -> None:
    """Lay out the tab, and say what its buttons do; called inside of the demo's blocks."""
    gr = load_gradio()
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            picture = picture_input()
            with gr.Row():
                first, first_size = model_choice(demo, "First model"), size_choice(demo)
            with gr.Row():
                second, second_size = model_choice(demo, "Second model", index=1), size_choice(demo)
            colours = colour_choice(demo)
            button = gr.Button("Compare", variant="primary", elem_id="compare")
        with gr.Column(scale=3, min_width=320):
            slider = gr.ImageSlider(label="First, second", interactive=False, elem_id="both")
            text = gr.Markdown("Two models, or one at two input sizes.", elem_id="compared")
            difference = gr.Image(
                label="Difference",
                interactive=False,
                elem_id="difference",
                height=300,
                buttons=["download", "fullscreen"],
            )

    def compare(path: str | None, *choices: Any) -> tuple[Any, ...]:
        one, one_size, two, two_size, colormap = choices
        if path is None:
            raise OptionError("there is no picture yet: upload one, paste one, or take one with the camera")
        if (one, chosen_size(one_size)) == (two, chosen_size(two_size)):
            raise OptionError("first and second are the same; choose another model or input size for one of them")
        results = [
            predict(demo.models, path, model, chosen_size(size), demo.settings.max_pixels)
            for model, size in ((one, one_size), (two, two_size))
        ]
        found = compare_results(results[0], results[1], colormap)
        pair = (fit_for_screen(found.first), fit_for_screen(found.second))
        difference = None if found.difference is None else fit_for_screen(found.difference)
        words = (
            found.text
            if difference is None
            else f"{found.text} In the picture of the difference they differ where it is bright."
        )
        return pair, words, difference

    inputs = [picture, first, first_size, second, second_size, colours]
    button.click(demo.guard(compare), inputs, [slider, text, difference], **MODEL_QUEUE)
    picture.clear(lambda: (None, "", None), None, [slider, text, difference])
