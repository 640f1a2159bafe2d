# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Take the picture of the demo that docs/demo.md shows, with a model and a photograph, in Chromium.

    python docs/figures/demo_screenshot.py runs/student photograph.jpg        # into docs/pictures/demo.png
    python docs/figures/demo_screenshot.py runs/student photograph.jpg --at 0.3,0.6 --dark -o demo-dark.png

`--at` is where the cross stands, in shares of width and height. Needs Debian's chromium (or its path in
DEPTH_ANYTHING_HF_BROWSER) and: pip install -e ".[browser]"
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from PIL import Image

from depth_anything_hf.demo import DemoSettings, build_demo, own_folder, serve
from depth_anything_hf.utils.files import atomic_write
from depth_anything_hf.utils.messages import errors_in_one_line
from depth_anything_hf.utils.quiet import quiet_libraries


OUTPUT = Path(__file__).parents[1] / "pictures" / "demo.png"
SIZE = {"width": 1280, "height": 800}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
COLOURS = 256
# Milliseconds; a large model on few cores takes its time.
LONGEST_WAIT = 300_000


def screenshot(address: str, photograph: Path, place: tuple[float, float], *, is_dark: bool) -> bytes:
    """Open a served demo in Chromium, put a photograph in and the cross at a place, and return the page as PNG."""
    # Here, so that the options can be asked for without it.
    from playwright.sync_api import sync_playwright

    named = os.environ.get("DEPTH_ANYTHING_HF_BROWSER")
    path = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise FileNotFoundError("no Chromium here: apt-get install chromium, or its path in DEPTH_ANYTHING_HF_BROWSER")
    with sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        page = browser.new_page(viewport=SIZE, color_scheme="dark" if is_dark else "light")
        page.set_default_timeout(LONGEST_WAIT)
        page.goto(address)
        page.wait_for_selector("#predict")
        page.set_input_files("input[type=file] >> nth=0", str(photograph))
        # The map, or the message that says why there is none.
        page.locator("#hover canvas[aria-label^='Depth map of'], [data-testid=toast-body]").first.wait_for()
        if page.locator("[data-testid=toast-body]").count():
            raise ValueError(f"the demo says: {page.locator('[data-testid=toast-body]').first.inner_text()}")
        box = page.locator("#hover canvas").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
        page.wait_for_timeout(1000)
        picture = page.screenshot()
        browser.close()
    return picture


def read_place(text: str) -> tuple[float, float]:
    """Return the place that `--at` says.

    Raises:
        ValueError: no two shares.
    """
    parts = [float(part) for part in text.split(",")]
    if len(parts) != 2 or not all(0 <= part < 1 for part in parts):
        raise ValueError(f"--at: expected two shares of width and height from 0 to 1, such as 0.5,0.6, got {text}")
    return parts[0], parts[1]


@errors_in_one_line
def main() -> None:
    """Serve a demo, and save the picture of its page."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model folder, or id on the Hub")
    parser.add_argument("photograph", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT)
    parser.add_argument("--at", default="0.45,0.55", help="place of the cross [0.45,0.55]")
    parser.add_argument("--input_size", type=int, help="pixels of the shorter side [the model's own]")
    parser.add_argument("--dark", action="store_true", help="in dark mode")
    arguments = parser.parse_args()
    place = read_place(arguments.at)
    if not arguments.photograph.is_file():
        raise FileNotFoundError(f"{arguments.photograph}: no such file; expected a photograph")
    quiet_libraries(False, when_imported=True)
    settings = DemoSettings((arguments.model,), input_size=arguments.input_size)
    with own_folder() as folder:
        blocks = build_demo(settings, folder)
        try:
            _, address, _ = serve(blocks, settings, prevent_thread_lock=True, quiet=True)
            picture = screenshot(address, arguments.photograph, place, is_dark=arguments.dark)
        finally:
            blocks.close(verbose=False)
    # A page has few colours but for the map, whose shades 256 still show.
    reduced = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT)
    file = io.BytesIO()
    reduced.save(file, "PNG", optimize=True)
    atomic_write(arguments.output, file.getvalue())
    sys.stdout.write(f"{arguments.output}: {len(file.getvalue()) // 1000} kB\n")


if __name__ == "__main__":
    main()
