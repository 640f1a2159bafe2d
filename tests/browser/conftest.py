# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Chromium for the tests of the demo, and pages that note what they ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from demo_server import served_demo
from PIL import Image
from tiny_predictors import SIDE, tiny_model

from depth_anything_hf import DepthAnythingImageProcessor


# The last one draws the surface in software.
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-unsafe-swiftshader",
    ),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = "no Chromium here (Debian: apt-get install chromium; or its path in DEPTH_ANYTHING_HF_BROWSER)"
# Milliseconds; a forward pass may wait for other work of the machine.
LONGEST_WAIT = 60_000


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason='needs playwright: pip install "depth_anything_hf[browser]"'
    )
    named = os.environ.get("DEPTH_ANYTHING_HF_BROWSER")
    path = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(NO_BROWSER)
    with playwright.sync_playwright() as runner:
        opened = runner.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    place, found = tmp_path_factory.mktemp("models"), {}
    for name, options in (("relative", {}), ("metric", {"depth_estimation_type": "metric", "max_depth": 10})):
        model = tiny_model(**options)
        with torch.no_grad():
            # A random head gives hardly any contrast.
            model.head.conv3.bias.fill_(0.3)
        model.save_pretrained(place / name)
        DepthAnythingImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(place / name)
        found[name] = str(place / name)
    return found


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[0:120, 0:160]
    room = np.stack([rows * 2, columns, (rows // 20 + columns // 20) % 2 * 200], axis=-1).astype(np.uint8)
    found = {name: place / f"{name}.png" for name in ("room", "garden")}
    Image.fromarray(room).save(found["room"])
    Image.fromarray(room[::-1, ::-1, ::-1][:100]).save(found["garden"])
    found["broken"] = place / "broken.png"
    found["broken"].write_bytes(found["room"].read_bytes()[:200])
    found["text"] = place / "text.png"
    found["text"].write_text("<b>no picture</b>", encoding="utf-8")
    found["empty"] = place / "empty.png"
    found["empty"].write_bytes(b"")
    found["large"] = place / "large.png"
    # More than --max_pixels, in 4 kB.
    Image.new("1", (6000, 5000)).save(found["large"])
    return found


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs")
    (place / "student").mkdir()
    rows = "".join(
        f"{step},{2 / step:.4f},20,{1 - 1 / step if step % 20 == 0 else ''}\n" for step in range(10, 60, 10)
    )
    (place / "student" / "results.csv").write_text(
        f"step,loss,images_per_second,eval_delta1\n{rows}", encoding="utf-8"
    )
    Image.new("RGB", (60, 40), (90, 120, 60)).save(place / "student" / "held-out.png")
    return place


@pytest.fixture(scope="session")
def demo(browser: Any, models: dict[str, str], runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_demo(tmp_path_factory.mktemp("demo"), *models.values(), "--runs", str(runs)) as (url, _):
        yield url


@pytest.fixture
def open_page(browser: Any, demo: str) -> Iterator[Callable[..., Any]]:
    """Return a function that opens the demo as another user, and checks at the end what the pages asked for."""
    pages: list[tuple[Any, list[str], list[str]]] = []

    def open_as_new_user(**options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
        context.set_default_timeout(LONGEST_WAIT)
        page = context.new_page()
        requests: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append((page, requests, errors))
        page.goto(demo)
        page.wait_for_selector("#predict")
        return page

    yield open_as_new_user
    for page, requests, errors in pages:
        elsewhere = [url for url in requests if not url.startswith((f"{demo}/", "data:", "blob:"))]
        assert elsewhere == [] and requests
        assert errors == []
        page.context.close()
