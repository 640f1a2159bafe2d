# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A test tool: the settings with which `huggingface_hub` talks to `hub_server`, in this process or in another one;
and a model pushed to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hub_server import HubServer
from huggingface_hub import constants

from depth_anything_hf.hub.publisher import Publisher


TOKEN = "hf_ThisIsNotToBeSeenAnywhere"
READING_TOKEN = "hf_AReaderOnly"


def new_hub(lfs_from_bytes: int = 1 << 20) -> HubServer:
    """A Hub with the account `owner`, whose second token may only read."""
    server = HubServer(lfs_from_bytes)
    server.add_account(TOKEN, "owner")
    server.add_account(READING_TOKEN, "owner", may_write=False)
    return server


def use_hub(monkeypatch: pytest.MonkeyPatch, hub: HubServer, home: Path) -> None:
    """What `hub_environment` would do, for settings that the client read long before the test begins."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "no-token"))
    # The user's own cache is none of a test's business, and would answer in place of another test's Hub.
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def hub_environment(hub: HubServer, home: Path) -> dict[str, str]:
    """The environment of a subprocess, with a cache of its own."""
    settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home)}
    left_out = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "PYTHONPATH")
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**inherited, **settings, "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}


def push_model(name: str, folder: Path) -> None:
    publisher = Publisher(name, folder)
    publisher.push(folder, "Model")
    assert publisher.finish(60) == []
