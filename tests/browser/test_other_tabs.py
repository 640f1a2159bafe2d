# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The other tabs of the demo in Chromium: two models, a clip, a run that goes on."""

from __future__ import annotations

import numpy as np
import pytest


pytestmark = pytest.mark.browser


def test_two_models_are_compared(open_page, pictures):
    page = open_page()
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare").click()
    page.get_by_text("there is no picture yet").first.wait_for()
    page.locator(".column:has(#compare) input[type=file]").last.set_input_files(str(pictures["room"]))
    page.locator(".column:has(#compare) img").first.wait_for()
    page.locator("#compare").click()
    page.wait_for_function("/least squares|reversed/.test(document.querySelector('#compared').innerText)")
    page.wait_for_function("document.querySelectorAll('#both img').length == 2")


def test_a_run_is_shown_and_followed(open_page, runs):
    page = open_page()
    page.get_by_role("tab", name="Run", exact=True).click()
    page.get_by_text("Step 50, loss 0.04, 20 images per second.").wait_for()
    page.locator("#curves img").first.wait_for()
    page.locator("#pictures img").first.wait_for()
    # Three charts, two in a row.
    page.wait_for_function("document.querySelector('#curves img').naturalHeight > 600")
    assert "delta1" in page.inner_text("#scores")
    with (runs / "student" / "results.csv").open("a", encoding="utf-8") as table:
        table.write("60,0.03,20,\n")
    page.get_by_text("Step 60, loss 0.03").wait_for(timeout=30_000)
    # A picture that is being written, and a run that is moved away: told in the text, once, with what was there.
    (runs / "student" / "next.png").write_bytes((runs / "student" / "held-out.png").read_bytes()[:60])
    page.get_by_text("Not read yet, or damaged: next.png.").wait_for(timeout=30_000)
    (runs / "student" / "next.png").unlink()
    (runs / "student" / "results.csv").rename(runs / "results.away")
    page.get_by_text("What is below is how it was.").wait_for(timeout=30_000)
    (runs / "results.away").rename(runs / "student" / "results.csv")
    page.get_by_text("Step 60, loss 0.03").wait_for(timeout=30_000)
    assert page.locator("#curves img").count() == 1 and page.locator("[data-testid=toast-body]").count() == 0


def test_a_clip_is_predicted(open_page, tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "walk.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(6):
            image = np.full((64, 96, 3), 30 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    page = open_page()
    page.get_by_role("tab", name="Clip").click()
    page.locator(".column:has(#predict-clip) input[type=file]").last.set_input_files(str(path))
    page.locator("#clip video").first.wait_for()
    page.locator("#predict-clip").click()
    page.get_by_text("6 frames by relative").wait_for()
    page.locator("#clip-depth video").first.wait_for()
    page.locator("#clip-files a[download]").first.wait_for()
    page.wait_for_function("document.querySelector('#clip-depth video').videoWidth > 192")
