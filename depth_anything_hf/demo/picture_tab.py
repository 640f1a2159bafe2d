# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tab of one picture: depth with values under the pointer, slider, metres, points in space, downloads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..geometry.intrinsics import CameraIntrinsics
from ..inference.calibration import FORMS, Calibration
from ..inference.camera_choice import find_camera
from ..inference.prediction_formats import DEFAULT_FORMATS
from ..utils.option_errors import OptionError
from .downloads import DOWNLOADS, MOST_POINTS_SHOWN, make_points, new_folder, write_downloads
from .hover import HOVER_SCRIPT, HOVER_STYLE, HOVER_TEMPLATE, for_browser
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
from .measured import COLUMNS, describe_fit, fit_points, read_rows, save_calibration
from .messages import load_gradio
from .result import DemoResult, predict


NOTHING_YET = "Upload a picture, paste one, or take one with the camera."
FIRST = "predict a picture first"
# Degrees, of a photograph whose file does not say: that of most phones' main camera.
USUAL_FOV = 65.0
HOW_TO_TURN = "Drag to turn, scroll to move nearer; or arrow keys, plus and minus."
NO_POINTS: list[list[Any]] = []
# In the browser; what was typed or taken meanwhile stays.
EMPTY_WHAT_WAS_ADDED = """(table, ...fields) => {
  const last = table.data[table.data.length - 1] || [];
  const is_added = fields.every((each, i) => Number(each.trim().replaceAll(',', '.')) === Number(last[i]));
  return is_added ? ['', '', ''] : fields;
}"""


@dataclass
class _Parts:
    """The components of the tab that several events fill."""

    result: Any = None
    kept: Any = None
    hover: Any = None
    slider: Any = None
    about: Any = None
    fov: Any = None
    guess: Any = None
    table: Any = None
    fit_text: Any = None
    fit_file: Any = None
    shown: list[Any] = field(default_factory=list)
    # Surface and files, which are of the result that was there when they were made.
    made: list[Any] = field(default_factory=list)
    # After which there is another result.
    changes: list[Any] = field(default_factory=list)


def picture_tab(demo: Demo) -> None:
    """Lay out the tab, and say what its buttons do; called inside of the demo's blocks."""
    gr = load_gradio()
    seconds = 60 * demo.settings.keep_minutes
    parts = _Parts()
    parts.result = gr.State(None, time_to_live=seconds)
    # The calibration of the picture that was taken away, for the next one.
    parts.kept = gr.State(None, time_to_live=seconds)
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            picture = picture_input()
            with gr.Row():
                model, size = model_choice(demo), size_choice(demo)
            colours = colour_choice(demo)
            button = gr.Button("Predict depth", variant="primary", elem_id="predict")
        with gr.Column(scale=3, min_width=320):
            with gr.Tabs():
                with gr.Tab("Values"):
                    parts.hover = gr.HTML(
                        value=None,
                        html_template=HOVER_TEMPLATE,
                        css_template=HOVER_STYLE,
                        js_on_load=HOVER_SCRIPT,
                        elem_id="hover",
                    )
                with gr.Tab("Slider"):
                    parts.slider = gr.ImageSlider(label="Picture, depth", interactive=False, elem_id="slider")
                with gr.Tab("Points in space"):
                    _points(demo, parts)
            parts.about = gr.Markdown(NOTHING_YET, elem_id="about")
    parts.shown = [parts.hover, parts.slider, parts.about]
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            keep = _metres(demo, parts, colours)
        with gr.Column(min_width=320):
            _downloads(demo, parts, colours)
    run = partial(_predict, demo)
    inputs = [picture, model, size, colours, keep, parts.result, parts.kept]
    outputs = [parts.result, *parts.shown, parts.fov, parts.table, parts.fit_text, parts.fit_file]
    new = picture.input(demo.guard(partial(run, is_new=True)), inputs, outputs, **MODEL_QUEUE)
    again = button.click(demo.guard(run), inputs, outputs, **MODEL_QUEUE)
    empty = picture.clear(_clear, [parts.result, keep, parts.kept], [*outputs, parts.kept])
    for change in (new, again, empty, *parts.changes):
        change.success(lambda: (None, HOW_TO_TURN, _no_file()), None, parts.made, show_progress="hidden")
    colours.change(demo.guard(_show), [parts.result, colours], parts.shown)


def _predict(
    demo: Demo,
    path: str | None,
    model: str,
    size: int | str | None,
    colormap: str,
    keep: bool,
    before: DemoResult | None,
    kept: Calibration | None,
    *,
    is_new: bool = False,
) -> tuple[Any, ...]:
    """Predict, and show; the calibration of the result before is kept if that is wanted."""
    gr = load_gradio()
    if path is None and is_new:
        # It was taken away, which empties the rest.
        return tuple(gr.skip() for _ in range(8))
    if path is None:
        raise OptionError(f"there is no picture yet. {NOTHING_YET}")
    result = predict(demo.models, path, model, chosen_size(size), demo.settings.max_pixels)
    fit = _kept(before, keep, kept)
    if fit is not None and result.raw_kind == "disparity":
        result = result.with_calibration(fit)
        for each in result.doubts():
            gr.Warning(f"{each}; scale and shift differ", title="Calibration")
    text, file = "", _no_file()
    if result.calibration is not None:
        text = describe_fit(result.calibration)
        file = gr.File(str(save_calibration(result.calibration, demo.folder)), visible=True)
    return (result, *_show(result, colormap), _fov_field(result), NO_POINTS if is_new else gr.skip(), text, file)


def _clear(before: DemoResult | None, keep: bool, kept: Calibration | None) -> tuple[Any, ...]:
    """Empty the tab, as its picture was taken away; return last the calibration that the next picture gets."""
    return None, None, None, NOTHING_YET, USUAL_FOV, NO_POINTS, "", _no_file(), _kept(before, keep, kept)


def _kept(before: DemoResult | None, keep: bool, kept: Calibration | None) -> Calibration | None:
    if not keep:
        return None
    return kept if before is None else before.calibration


def _show(result: DemoResult | None, colormap: str) -> tuple[Any, ...]:
    """Return what the map, the slider and the description are to show."""
    if result is None:
        return None, None, NOTHING_YET
    pair = (fit_for_screen(result.image), fit_for_screen(result.picture(colormap)))
    return for_browser(result, colormap), pair, result.describe()


def _fov_field(result: DemoResult) -> Any:
    """Return the field of view that is taken: of the EXIF where there is one."""
    gr = load_gradio()
    camera = _exif_camera(result)
    if camera is None:
        return gr.Number(value=USUAL_FOV, info="A guess: the file does not say which lens took it.")
    degrees = camera.field_of_view_degrees
    known = degrees[0] if isinstance(degrees, tuple | list) else degrees
    return gr.Number(value=None, info=f"Empty: {known:.0f}° by the picture's EXIF.")


def _exif_camera(result: DemoResult) -> CameraIntrinsics | None:
    return find_camera(str(result.path)).intrinsics(*result.image.shape[:2])


def _no_file() -> Any:
    return load_gradio().File(None, visible=False)


def _points(demo: Demo, parts: _Parts) -> None:
    gr = load_gradio()
    model3d = gr.Model3D(label="Surface", interactive=False, height=420, elem_id="points")
    with gr.Row():
        parts.fov = gr.Number(
            USUAL_FOV, label="Field of view, degrees", info="Between the left and the right border.", min_width=140
        )
        guess = gr.Number(
            None,
            label="Median distance, metres",
            info="0: none. A guess, for disparity without a calibration; shapes are a guess then, too.",
            min_width=140,
        )
    about = gr.Markdown(HOW_TO_TURN, elem_id="about-points")
    button = gr.Button("Show points in space", elem_id="show-points")

    def show(result: DemoResult | None, fov: float | None, scale: float | None) -> tuple[str, str]:
        if result is None:
            raise OptionError(FIRST)
        if result.kind == "disparity" and not scale:
            raise OptionError(
                "disparity has no metres, and without its shift walls would bend: calibrate on measured points below, "
                "choose a metric model, or type a guess of the median distance"
            )
        points = make_points(result, fov=fov or None, assume_scale=scale or None, most=MOST_POINTS_SHOWN)
        file = points.save(new_folder(demo.folder) / f"{result.name}.glb")
        camera = points.intrinsics.source
        if fov == USUAL_FOV and _exif_camera(result) is None:
            camera = f"a guess, field of view {fov:g}°"
        return str(file), f"Metres {points.scale_source}. Camera: {camera}. {HOW_TO_TURN}"

    parts.guess = guess
    parts.made += [model3d, about]
    button.click(demo.guard(show), [parts.result, parts.fov, guess], [model3d, about])


def _metres(demo: Demo, parts: _Parts, colours: Any) -> Any:
    gr = load_gradio()
    with gr.Accordion("Metres from measured points", open=False, elem_id="metres"):
        gr.Markdown(
            "Measure the distance to a few things in the picture, along the direction of view. Click each in the "
            "depth map above (or move the cross with the arrow keys and press Enter), type its distance, add it."
        )
        with gr.Row():
            # Text, for gradio shows numbers that are not there as 0, which is a place of the picture.
            x = gr.Textbox("", label="x", max_lines=1, min_width=70, elem_id="x")
            y = gr.Textbox("", label="y", max_lines=1, min_width=70, elem_id="y")
            distance = gr.Textbox("", label="metres", max_lines=1, min_width=90, elem_id="distance")
            add = gr.Button("Add point", min_width=100, elem_id="add-point")
        parts.table = gr.Dataframe(
            NO_POINTS,
            headers=list(COLUMNS),
            column_count=(3, "fixed"),
            type="array",
            datatype="number",
            interactive=True,
            label="Measured points",
            elem_id="measured",
        )
        with gr.Row():
            form = gr.Dropdown(
                list(FORMS), value="disparity", label="Form", info="log: for models whose disparity is bent."
            )
            robust = gr.Checkbox(False, label="Robust", info="Up to 29 % of the points may be wrong.")
        with gr.Row():
            fit = gr.Button("Fit metres", variant="primary", min_width=100, size="md", elem_id="fit")
            clear = gr.Button("Back to disparity", min_width=100, size="md", elem_id="unfit")
            load = gr.UploadButton(
                "Load a calibration", file_types=[".json"], min_width=100, size="md", elem_id="load-fit"
            )
        keep = gr.Checkbox(False, label="Keep the calibration for the next pictures", info="Of a fixed camera alone.")
        parts.fit_text = gr.Markdown("", elem_id="fit-text")
        parts.fit_file = gr.File(
            label="Calibration, for predict --metric", interactive=False, visible=False, elem_id="fit-file"
        )

    def take(event: Any) -> tuple[str, str]:
        return str(event.x), str(event.y)

    def append(rows: list[list[Any]], x: str, y: str, metres: str) -> list[list[float]]:
        if not (x.strip() and y.strip() and metres.strip()):
            raise OptionError(
                "a point needs x, y and its distance in metres: click it in the depth map, type the rest"
            )
        points = read_rows([*rows, [x, y, metres]])
        return [list(each) for each in points]

    def calibrate(
        result: DemoResult | None, rows: list[list[Any]], form: Any, robust: bool, colormap: str
    ) -> tuple[Any, ...]:
        if result is None:
            raise OptionError(FIRST)
        return apply(result, fit_points(result, read_rows(rows), form, robust=robust), colormap)

    def apply(result: DemoResult, fit: Calibration, colormap: str) -> tuple[Any, ...]:
        result = result.with_calibration(fit)
        return (
            result,
            *_show(result, colormap),
            describe_fit(fit),
            gr.File(str(save_calibration(fit, demo.folder)), visible=True),
        )

    def load_file(result: DemoResult | None, path: str | None, colormap: str) -> tuple[Any, ...]:
        if result is None or path is None:
            raise OptionError(FIRST)
        fit = Calibration.load(Path(path))
        for each in result.with_calibration(fit).doubts():
            gr.Warning(f"{each}; scale and shift differ", title="Calibration")
        return apply(result, fit, colormap)

    def undo(result: DemoResult | None, colormap: str) -> tuple[Any, ...]:
        if result is None:
            raise OptionError(FIRST)
        result = result.with_calibration(None)
        return result, *_show(result, colormap), "", _no_file()

    # By this gradio knows what to hand over.
    take.__annotations__["event"] = gr.EventData
    outputs = [parts.result, *parts.shown, parts.fit_text, parts.fit_file]
    parts.hover.select(demo.guard(take), None, [x, y], show_progress="hidden")
    fields = [x, y, distance]
    added = gr.on([add.click, distance.submit], demo.guard(append), [parts.table, *fields], parts.table)
    added.success(None, [parts.table, *fields], fields, js=EMPTY_WHAT_WAS_ADDED)
    fitted = fit.click(demo.guard(calibrate), [parts.result, parts.table, form, robust, colours], outputs)
    loaded = load.upload(demo.guard(load_file), [parts.result, load, colours], outputs)
    undone = clear.click(demo.guard(undo), [parts.result, colours], outputs)
    parts.changes += [fitted, loaded, undone]
    return keep


def _downloads(demo: Demo, parts: _Parts, colours: Any) -> None:
    gr = load_gradio()
    with gr.Accordion("Download", open=False, elem_id="download"):
        formats = gr.CheckboxGroup(
            list(DOWNLOADS),
            value=list(DEFAULT_FORMATS),
            label="Formats, as the command predict writes them",
            info="npz, npy, tiff, exr: float32. png16: 16-bit grey of the range. mm, kitti: 16-bit metres. ply, glb: "
            "points in space, by the settings of their tab.",
        )
        legend = gr.Checkbox(False, label="Bar with numbers beside the colours")
        button = gr.Button("Make files", variant="primary", elem_id="make-files")
        files = gr.File(label="Files", file_count="multiple", interactive=False, visible=False, elem_id="files")
    parts.made.append(files)

    def write(
        result: DemoResult | None,
        formats: list[str],
        legend: bool,
        colormap: str,
        fov: float | None,
        scale: float | None,
    ) -> Any:
        if result is None:
            raise OptionError(FIRST)
        paths = write_downloads(
            result, formats, colormap, demo.folder, legend=legend, fov=fov or None, assume_scale=scale or None
        )
        return gr.File([str(path) for path in paths], visible=True)

    button.click(demo.guard(write), [parts.result, formats, legend, colours, parts.fov, parts.guess], files)
