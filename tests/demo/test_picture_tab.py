# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Events of the tab of one picture, without a browser: what they show, and that states stay apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from demo_server import NEEDS_GRADIO
from PIL import Image


gradio = pytest.importorskip("gradio", reason=NEEDS_GRADIO)

from depth_anything_hf.demo.layout import OWN_SIZE  # noqa: E402
from depth_anything_hf.demo.measured import fit_points  # noqa: E402
from depth_anything_hf.demo.picture_tab import NOTHING_YET, _fov_field, _predict, _show  # noqa: E402


def test_a_prediction_is_shown_and_forgets_an_earlier_calibration(demo, picture, relative, model_folders):
    fit = fit_points(relative, [(5, 5, 1.0), (40, 30, 1.01)] if relative.raw[5, 5] > relative.raw[30, 40] else
                     [(5, 5, 1.01), (40, 30, 1.0)])  # fmt: skip
    before = relative.with_calibration(fit)
    for keep, kind in ((False, "disparity"), (True, "depth")):
        shown = _predict(demo, str(picture), model_folders["relative"], OWN_SIZE, "gray", keep, before, None)
        assert shown[0].kind == kind and shown[0] is not before
        assert shown[1]["is_depth"] is (kind == "depth")
        assert [each.shape for each in shown[2]] == [(60, 80, 3)] * 2
    metric = _predict(demo, str(picture), model_folders["metric"], "252", "gray", True, before, None)[0]
    assert metric.calibration is None and metric.kind == "depth" and metric.input_size == 252
    assert before.calibration is fit


def test_errors_are_messages_without_folders_and_markup(demo, model_folders, tmp_path):
    run = demo.guard(lambda path: _predict(demo, path, model_folders["relative"], OWN_SIZE, "gray", False, None, None))
    broken = demo.folder / "<b>notes.jpg"
    broken.write_text("no picture", encoding="utf-8")
    with pytest.raises(gradio.Error) as caught:
        run(str(broken))
    assert "&lt;b&gt;notes.jpg" in caught.value.message and str(demo.folder) not in caught.value.message
    with pytest.raises(gradio.Error, match="no picture yet"):
        run(None)


def test_a_bug_is_logged_and_not_shown(demo, caplog):
    def fails() -> None:
        raise KeyError("internal detail")

    with pytest.raises(gradio.Error) as caught:
        demo.guard(fails)()
    assert "internal" not in caught.value.message and "internal detail" in caplog.text


def test_nothing_is_shown_before_the_first_picture():
    assert _show(None, "gray") == (None, None, NOTHING_YET)


def test_the_field_of_view_is_that_of_the_file_or_told_to_be_a_guess(relative, tmp_path):
    assert "guess" in _fov_field(relative).info
    path = tmp_path / "phone.jpg"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    Image.fromarray(relative.image).save(path, exif=exif)
    known = _fov_field(replace(relative, path=path))
    assert known.value is None and "by the picture's EXIF" in known.info
