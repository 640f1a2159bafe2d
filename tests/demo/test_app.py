# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The demo's server: which files it serves, what it refuses, what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo_server import served_demo


httpx = pytest.importorskip("httpx", reason="comes with gradio")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(model_folders, tmp_path_factory):
    place = tmp_path_factory.mktemp("server")
    with served_demo(place, model_folders["relative"], "--max_file_mb", "0.1") as served:
        yield served


def upload(url: str, name: str, content: bytes):
    return httpx.post(f"{url}/gradio_api/upload", files={"files": (name, content)})


def test_no_path_outside_of_its_folder_is_served(server, model_folders, tmp_path):
    url, folder = server
    outside = tmp_path / "secret.txt"
    outside.write_text("secret", encoding="utf-8")
    escape = f"{folder}/../{'../' * 10}etc/hostname"
    places = ["/etc/hostname", "/proc/self/environ", str(outside), escape, f"{model_folders['relative']}/config.json"]
    for place in [*places, str(Path("pyproject.toml").resolve()), "pyproject.toml"]:
        answer = httpx.get(f"{url}/gradio_api/file={place}")
        assert answer.status_code in (403, 404), place
    done = upload(url, "picture.png", b"hello")
    assert done.status_code == 200
    (path,) = done.json()
    assert Path(path).is_relative_to(folder)
    assert httpx.get(f"{url}/gradio_api/file={path}").content == b"hello"


def test_a_request_cannot_name_a_file_that_was_not_uploaded(server):
    url, _ = server
    config = httpx.get(f"{url}/config").json()
    events = [each for each in config["dependencies"] if each["targets"] and each["targets"][0][1] == "click"]
    image = next(each["id"] for each in config["components"] if each["type"] == "image")
    event = next(each for each in events if image in each["inputs"])
    values = [{"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}, *[None] * (len(event["inputs"]) - 1)]
    body = {"data": values, "fn_index": event["id"], "session_hash": "abc"}
    httpx.post(f"{url}/gradio_api/queue/join", json=body).raise_for_status()
    with httpx.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": "abc"}, timeout=30) as lines:
        answer = "".join(lines.iter_text())
    assert '"success":false' in answer and "hostname" not in answer.replace("/etc/hostname", "")


def test_a_file_beyond_the_limit_is_refused(server):
    url, _ = server
    assert upload(url, "large.png", b"0" * 200_000).status_code == 413


def test_the_page_loads_nothing_from_elsewhere(server):
    url, _ = server
    page = httpx.get(url).text
    assert "fonts.googleapis.com" not in page and "cdnjs" not in page
    assert httpx.get(url).headers["content-security-policy"].startswith("default-src 'self' ")
    config = httpx.get(f"{url}/config").json()
    assert config["analytics_enabled"] is False
