# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tab of one picture in Chromium: upload, values, slider, metres, downloads, bad files, two users at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from demo_pages import told, upload, wait_for_map

from depth_anything_hf import DepthPredictor
from depth_anything_hf.inference import Calibration, read_prediction


pytestmark = pytest.mark.browser

READY = "Point at the map to read values, or move the cross with the arrow keys."


def upload_again(page: Any, path: Path) -> None:
    page.get_by_label("Clear").or_(page.get_by_label("Remove Image")).first.click()
    page.wait_for_function("document.querySelector('#hover output').textContent.startsWith('Upload')")
    upload(page, path)


def read_at(page: Any, x: float, y: float, *, click: bool = False) -> tuple[int, int, float]:
    """Point at a place of the map, shares of its sides; return pixel and value that are told."""
    page.locator("#hover canvas").scroll_into_view_if_needed()
    box = page.locator("#hover canvas").bounding_box()
    place = (box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.move(*place)
    if click:
        page.mouse.click(*place)
    return told(page)


def download(page: Any, selector: str, place: Path) -> Path:
    with page.expect_download() as caught:
        page.locator(f"{selector} a[download]").first.click()
    path = place / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


def test_upload_predict_and_read_values(open_page, pictures, models):
    page = open_page()
    assert page.inner_text("#hover output").startswith("Upload a picture")
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room: disparity")
    assert page.inner_text("#hover output") == READY
    values = DepthPredictor.from_pretrained(models["relative"]).predict(pictures["room"])
    for place in ((0.1, 0.2), (0.5, 0.5), (0.9, 0.7)):
        x, y, value = read_at(page, *place)
        assert abs(x - place[0] * 160) < 2 and abs(y - place[1] * 120) < 2
        assert value == pytest.approx(values[y, x], abs=2 * float(np.ptp(values)) / 65534, rel=1e-3)
    # By the keyboard alone.
    page.locator("#hover canvas").focus()
    before = told(page)
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowUp")
    x, y, value = told(page)
    assert (x, y) == (before[0] - 10, before[1] - 1)
    assert value == pytest.approx(values[y, x], abs=2 * float(np.ptp(values)) / 65534, rel=1e-3)


def test_the_map_is_drawn_in_the_colours_of_the_package(open_page, pictures, models):
    from depth_anything_hf.visualization import colour_map

    page = open_page()
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room")
    page.get_by_label("Colour map").click()
    page.get_by_role("option", name="cividis").click()
    expected = colour_map(DepthPredictor.from_pretrained(models["relative"]).predict(pictures["room"]), name="cividis")
    page.wait_for_timeout(1000)
    drawn = page.evaluate(
        "() => { const c = document.querySelector('#hover canvas');"
        " return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data); }"
    )
    colours = np.array(drawn, dtype=int).reshape(120, 160, 4)[..., :3]
    # Codes of 16 bits may fall on the other side of a step between two colours.
    assert np.abs(colours - expected).max() <= 4 and (colours == expected).mean() > 0.98


def test_slider_shows_picture_and_depth(open_page, pictures):
    page = open_page()
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room")
    page.get_by_role("tab", name="Slider").click()
    images = page.locator("#slider img")
    images.first.wait_for(state="visible")
    assert images.count() == 2
    assert page.evaluate("Array.from(document.querySelectorAll('#slider img')).every(i => i.naturalWidth == 160)")


def test_points_in_space_are_drawn(open_page, pictures):
    page = open_page()
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room: disparity")
    page.get_by_role("tab", name="Points in space").click()
    page.locator("#show-points").click()
    page.get_by_text("disparity has no metres").first.wait_for()
    page.get_by_label("Median distance, metres").fill("3")
    page.locator("#show-points").click()
    page.get_by_text("assumed: median depth 3 m").first.wait_for()
    page.locator("#points canvas").wait_for(state="visible")


def test_calibrate_on_clicked_points_and_load_the_file_again(open_page, pictures, models, tmp_path):
    page = open_page()
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room: disparity")
    page.get_by_text("Metres from measured points").click()
    values = DepthPredictor.from_pretrained(models["relative"]).predict(pictures["room"])
    for place in ((0.1, 0.2), (0.5, 0.5), (0.9, 0.7)):
        x, y, _ = read_at(page, *place, click=True)
        page.wait_for_function(
            "place => place.every((each, i) => document.querySelectorAll('#x input, #y input')[i].value == each)",
            arg=[str(x), str(y)],
        )
        page.locator("#distance input").fill(f"{1 / (0.5 * values[y, x] + 0.2):.6f}")
        page.locator("#add-point").click()
        page.wait_for_function("['', '0'].includes(document.querySelector('#distance input').value)")
    page.locator("#fit").click()
    page.get_by_text("calibrated on 3 points").first.wait_for()
    wait_for_map(page, "Depth map of room: metres")
    x, y, metres = read_at(page, 0.3, 0.4)
    assert metres == pytest.approx(1 / (0.5 * values[y, x] + 0.2), rel=2e-3)
    saved = download(page, "#fit-file", tmp_path)
    fit = Calibration.load(saved)
    assert (fit.scale, fit.shift, fit.points) == (pytest.approx(0.5, rel=1e-3), pytest.approx(0.2, rel=1e-3), 3)
    page.locator("#unfit").click()
    wait_for_map(page, "Depth map of room: disparity")
    with page.expect_file_chooser() as chooser:
        page.locator("#load-fit").click()
    chooser.value.set_files(str(saved))
    wait_for_map(page, "Depth map of room: metres")
    # The next picture is not of this camera, unless that is said.
    upload_again(page, pictures["garden"])
    wait_for_map(page, "Depth map of garden: disparity")


def test_download_what_predict_writes(open_page, pictures, models, tmp_path):
    page = open_page()
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room")
    page.get_by_text("Download", exact=True).last.click()
    page.locator("#make-files").click()
    page.locator("#files a[download]").first.wait_for()
    assert page.locator("#files a[download]").count() == 3
    path = download(page, "#files", tmp_path)
    values, kind = read_prediction(path)
    expected = DepthPredictor.from_pretrained(models["relative"]).predict(pictures["room"])
    assert kind == "disparity" and np.allclose(values, expected, atol=np.ptp(expected) / 65534)


@pytest.mark.parametrize("name", ["broken", "empty", "large"])
def test_a_bad_file_is_a_message_and_the_page_goes_on(open_page, pictures, name):
    page = open_page()
    upload(page, pictures[name])
    message = page.locator(".toast-body, [data-testid=toast-body]").first
    message.wait_for()
    text = message.inner_text()
    assert f"{name}.png" in text and "Traceback" not in text and "/tmp" not in text, text
    page.locator("#predict").wait_for()


def test_two_users_at_once_see_their_own_results(open_page, pictures):
    first, second = open_page(), open_page()
    upload(first, pictures["room"])
    upload(second, pictures["garden"])
    wait_for_map(first, "Depth map of room")
    wait_for_map(second, "Depth map of garden")
    read_at(second, 0.5, 0.5)
    for page, name in ((first, "room"), (second, "garden")):
        page.get_by_text("Download", exact=True).last.click()
        page.locator("#make-files").click()
        page.locator("#files a[download]").first.wait_for()
        assert name in page.locator("#files").inner_text()
    assert "garden" not in first.content() and "room" not in second.inner_text("#files")


def test_a_phone_has_no_need_to_scroll_sideways(open_page, pictures):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert json.loads(page.evaluate("JSON.stringify(document.querySelector('#hover canvas').width)")) == 160
