# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Points that are taken in haste, a calibration that is kept, and what of an older picture must not stay."""

from __future__ import annotations

from typing import Any

import pytest
from demo_pages import told, upload, wait_for_map


pytestmark = pytest.mark.browser

FIELDS = "() => ['x', 'y', 'distance'].map(name => document.querySelector(`#${name} input`).value)"
# Where the cross is, as shares of the map.
CROSS = """() => {
  const map = document.querySelector('#hover canvas').getBoundingClientRect();
  const cross = document.querySelector('#hover .cross').getBoundingClientRect();
  return [(cross.left + cross.width / 2 - map.left) / map.width,
          (cross.top + cross.height / 2 - map.top) / map.height];
}"""


def with_room(open_page: Any, pictures: Any) -> Any:
    page = open_page()
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room: disparity")
    page.get_by_text("Metres from measured points").click()
    page.locator("#distance input").wait_for()
    return page


def click_at(page: Any, x: float, y: float) -> tuple[int, int]:
    page.locator("#hover canvas").scroll_into_view_if_needed()
    box = page.locator("#hover canvas").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    return told(page)[:2]


def take_away(page: Any) -> None:
    page.get_by_label("Clear").or_(page.get_by_label("Remove Image")).first.click()
    page.wait_for_function("document.querySelector('#hover output').textContent.startsWith('Upload')")


def test_the_point_is_the_one_under_the_cross_however_fast(open_page, pictures):
    page = with_room(open_page, pictures)
    click_at(page, 0.2, 0.2)
    x, y = click_at(page, 0.8, 0.6)
    page.wait_for_timeout(700)
    assert page.evaluate(FIELDS) == [str(x), str(y), ""]
    # Of the keys: the distance is typed before any server could answer.
    page.locator("#hover canvas").focus()
    page.keyboard.press("Shift+ArrowLeft")
    x, y, _ = told(page)
    page.keyboard.press("Enter")
    page.keyboard.type("2,5")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#distance input').value === ''")
    for cell in (str(x), str(y), "2.5"):
        page.locator("#measured").get_by_text(cell, exact=True).locator("visible=true").first.wait_for()
    # The cross stays on its pixel.
    before = page.evaluate(CROSS)
    page.set_viewport_size({"width": 700, "height": 900})
    page.wait_for_timeout(300)
    assert page.evaluate(CROSS) == pytest.approx(before, abs=0.02)


def test_a_kept_calibration_outlives_the_picture_but_surface_and_files_do_not(open_page, pictures):
    page = with_room(open_page, pictures)
    for place, metres in (((0.1, 0.2), "1"), ((0.9, 0.7), "3")):
        click_at(page, *place)
        page.locator("#distance input").fill(metres)
        page.locator("#add-point").click()
        page.wait_for_function("document.querySelector('#distance input').value === ''")
    page.locator("#fit").click()
    wait_for_map(page, "Depth map of room: metres")
    page.get_by_label("Keep the calibration").check()
    page.get_by_text("Download", exact=True).last.click()
    page.locator("#make-files").click()
    page.locator("#files a[download]").first.wait_for()
    take_away(page)
    page.locator("#files a[download]").first.wait_for(state="hidden")
    assert page.locator("[data-testid=toast-body]").count() == 0
    upload(page, pictures["garden"])
    wait_for_map(page, "Depth map of garden: metres")
    page.locator("#fit-text").get_by_text("calibrated on 2 points").wait_for()
    # Another model: what is doubtful is said where the metres are, and no folder of the machine.
    page.get_by_label("Input size").first.click()
    page.get_by_role("option", name="252").click()
    page.locator("#predict").click()
    page.locator("#about").get_by_text("Doubtful: the calibration was made").wait_for()
    assert "/" not in page.locator("#about").inner_text()
