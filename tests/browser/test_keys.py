# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The whole road through the demo by keys alone, and a demo whose server is gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from demo_pages import told, upload, wait_for_map
from demo_server import served_demo

from depth_anything_hf import DepthPredictor
from depth_anything_hf.inference import Calibration


pytestmark = pytest.mark.browser

MOST_TABS = 60
# Where the focus is: what a screen reader says of it, and whether it is seen.
FOCUS = """() => {
  const e = document.activeElement, outer = e.getBoundingClientRect();
  const ring = e.matches('[data-testid=slider]') ? e.querySelector('.inner') : e, style = getComputedStyle(ring);
  return {name: (e.getAttribute('aria-label') || e.closest('label')?.innerText || e.innerText.trim() ||
                 e.querySelector('[aria-label]')?.getAttribute('aria-label') || '').trim(),
          is_seen: style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 3,
          is_body: e === document.body, is_in_view: outer.bottom > 0 && outer.top < window.innerHeight};
}"""

# Where the upper picture of the slider is cut, as a share of its width.
CUT = """() => {
  const image = [...document.querySelectorAll('#slider img')].find(each => each.style.clipPath);
  const place = image.getBoundingClientRect(), cut = parseFloat(image.style.clipPath.split(' ')[3]) / 100;
  const factor = Math.min(place.width / image.naturalWidth, place.height / image.naturalHeight);
  const width = factor * image.naturalWidth;
  return (cut * place.width - (place.width - width) / 2) / width;
}"""


def tab_to(page: Any, name: str, key: str = "Tab") -> None:
    """Go by Tab to the control whose name begins so; each place on the way has a name, and its focus is seen."""
    passed = []
    for _ in range(MOST_TABS):
        page.keyboard.press(key)
        focus = page.evaluate(FOCUS)
        if focus["is_body"]:
            continue
        passed.append(focus["name"])
        assert focus["name"] and focus["is_seen"] and focus["is_in_view"], (focus, passed)
        if focus["name"].startswith(name):
            return
    raise AssertionError(f"no {name!r} among {passed}")


def chosen_file(page: Any) -> Any:
    """Return the chooser that the field for pictures opens; late parts of gradio may take the focus from it."""
    from playwright.sync_api import TimeoutError as NothingHappened

    for _ in range(5):
        tab_to(page, "Drop an image")
        try:
            with page.expect_file_chooser(timeout=4000) as chooser:
                page.keyboard.press("Enter")
            return chooser.value
        except NothingHappened:
            continue
    raise AssertionError("no choice of files by Enter")


def test_the_whole_road_by_keys_alone(open_page, pictures, models, tmp_path):
    page = open_page()
    press = page.keyboard.press
    chosen_file(page).set_files(str(pictures["room"]))
    wait_for_map(page, "Depth map of room: disparity")
    # Another colour map: the choices are closed again when they are left, also without a choice.
    tab_to(page, "Model")
    tab_to(page, "Colour map")
    press("ArrowDown")
    press("Enter")
    tab_to(page, "Predict depth")
    page.locator("[role=listbox]").first.wait_for(state="detached", timeout=5000)
    press("Enter")
    page.wait_for_timeout(500)
    wait_for_map(page, "Depth map of room: disparity")
    tab_to(page, "Metres from measured points")
    press("Enter")
    values = DepthPredictor.from_pretrained(models["relative"]).predict(pictures["room"])
    for number, keys in enumerate(
        (("Home", "PageUp", "PageUp"), ("End", "PageDown"), ("Shift+ArrowLeft",) * 5), start=1
    ):
        tab_to(page, "Depth map of room", "Shift+Tab")
        for key in keys:
            press(key)
        x, y, value = told(page)
        assert value == pytest.approx(values[y, x], abs=2 * float(np.ptp(values)) / 65534, rel=1e-3)
        press("Enter")
        assert page.evaluate(FOCUS)["name"] == "metres"
        page.wait_for_function(
            "place => place.every((each, i) => document.querySelectorAll('#x input, #y input')[i].value == each)",
            arg=[str(x), str(y)],
        )
        page.keyboard.type(f"{1 / (0.5 * values[y, x] + 0.2):.6f}")
        press("Enter")
        page.wait_for_function("document.querySelector('#distance input').value === ''")
        assert page.evaluate(FOCUS)["name"] == "metres", number
    tab_to(page, "Fit metres")
    press("Enter")
    wait_for_map(page, "Depth map of room: metres")
    page.get_by_text("calibrated on 3 points").first.wait_for()
    tab_to(page, "Slider", "Shift+Tab")
    press("Enter")
    page.locator("#slider [role=slider]").wait_for()
    tab_to(page, "Picture, depth")
    for key, expected in (
        ("ArrowRight", "51"),
        ("PageUp", "61"),
        ("End", "100"),
        ("Home", "0"),
        ("Shift+ArrowUp", "10"),
    ):
        press(key)
        page.locator(f"#slider [role=slider][aria-valuenow='{expected}']").wait_for()
    # The cut is told of the whole place, in which the picture has margins at its left and right.
    page.wait_for_timeout(300)
    share = page.evaluate(CUT)
    assert share == pytest.approx(0.10, abs=0.011)
    tab_to(page, "Download\n")
    press("Enter")
    tab_to(page, "Make files")
    press("Enter")
    page.locator("#files a[download]").first.wait_for()
    with page.expect_download() as caught:
        tab_to(page, "calibration.json", "Shift+Tab")
        press("Enter")
    caught.value.save_as(tmp_path / "fit.json")
    assert Calibration.load(tmp_path / "fit.json").scale == pytest.approx(0.5, rel=1e-3)


def test_a_lost_server_is_told_and_nothing_turns_for_ever(browser, pictures, models, tmp_path):
    context = browser.new_context()
    page = context.new_page()
    with served_demo(tmp_path, models["relative"]) as (url, _):
        page.goto(url)
        page.wait_for_selector("#predict")
        upload(page, pictures["room"])
        wait_for_map(page, "Depth map of room")
    page.locator("#predict").click()
    page.locator("[data-testid=toast-body]").first.wait_for(timeout=30_000)
    told_of = page.locator("[data-testid=toast-body]").first.inner_text()
    assert "onnection" in told_of, told_of
    page.wait_for_timeout(1000)
    turning = page.evaluate(
        "[...document.querySelectorAll('[data-testid=status-tracker]')]"
        ".filter(each => !each.classList.contains('hide')).map(each => each.innerText)"
    )
    assert turning == []
    context.close()
