# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The demo without eyes, in the dark, on narrow screens, and loaded again in the middle of its work."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from demo_pages import upload, wait_for_map


pytestmark = pytest.mark.browser


def faults(page: Any) -> list[str]:
    """Return what axe finds on the page as it is: names, roles, contrast of texts and more, serious or worse."""
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']}: {node['html'][:150]} {node['failureSummary'][:250]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_and_contrast_of_all_tabs(open_page, pictures, scheme):
    place = find_spec("axe_playwright_python")
    if place is None or place.origin is None:
        pytest.skip('needs axe: pip install "depth_anything_hf[browser]"')
    page = open_page(color_scheme=scheme)
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    page.evaluate(Path(place.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    assert faults(page) == []
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room: disparity")
    page.get_by_text("Metres from measured points").click()
    page.get_by_text("Download", exact=True).last.click()
    page.locator("#make-files").click()
    page.locator("#files a[download]").first.wait_for()
    assert faults(page) == []
    page.get_by_role("tab", name="Slider").click()
    page.get_by_role("slider", name="Picture, depth").wait_for()
    assert faults(page) == []
    for tab in ("Compare", "Clip", "Run"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(300)
        if tab == "Run":
            page.get_by_role("img", name="Curves").wait_for()
        assert faults(page) == []


# 700 pixels are a window of 1400 at a zoom of 200 %.
@pytest.mark.parametrize("width", [390, 700])
def test_nothing_is_cut_on_a_narrow_screen(open_page, pictures, width):
    page = open_page(viewport={"width": width, "height": 800})
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room")
    page.get_by_text("Metres from measured points").click()
    page.get_by_text("Download", exact=True).last.click()
    for tab in ("Picture", "Compare", "Clip", "Run"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # Controls and texts that stick out at the right, or lie over a button.
        assert page.evaluate(STICKS_OUT) == []
    page.get_by_role("cell", name="50", exact=True).or_(page.get_by_text("at step")).first.wait_for()


STICKS_OUT = """() => [...document.querySelectorAll('button, input, label, th, td, .prose p')].filter(each => {
  const box = each.getBoundingClientRect();
  return box.width > 0 && getComputedStyle(each).visibility === 'visible' && box.right > window.innerWidth + 1;
}).map(each => each.outerHTML.slice(0, 120))"""


def test_reloaded_in_the_middle_of_a_prediction_and_in_a_second_tab(open_page, pictures):
    page = open_page()
    upload(page, pictures["room"])
    page.reload()
    page.wait_for_selector("#predict")
    second = page.context.new_page()
    second.goto(page.url)
    second.wait_for_selector("#predict")
    upload(page, pictures["garden"])
    upload(second, pictures["room"])
    wait_for_map(page, "Depth map of garden")
    wait_for_map(second, "Depth map of room")
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("#predict")
    upload(page, pictures["room"])
    wait_for_map(page, "Depth map of room")
