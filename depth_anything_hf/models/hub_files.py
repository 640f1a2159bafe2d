# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of models on the Hub, in the local cache, and the commit that they are of."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

from ..utils.paths import expand_home


# Of adapters alone, as peft writes it.
ADAPTER_CONFIG_FILE = "adapter_config.json"
# In the local cache of the Hub, files lie in a folder of their commit.
COMMIT_FOLDER = re.compile(r"/snapshots/([0-9a-f]{40})/")
COMMIT = re.compile("[0-9a-f]{40}")
HUB_OPTIONS = ("revision", "token", "cache_dir", "local_files_only", "force_download", "subfolder")


def hub_file(name: str, file: str, hub: Mapping[str, Any]) -> str | None:
    """Return where a file from the Hub lies; None where there is none, also where that cannot be known.

    Args:
        name: model id on the Hub.
        file: its name.
        hub: `revision`, `token` and the like.
    """
    if _is_known_to_be_missing(name, file, hub):
        return None
    try:
        return str(hf_hub_download(name, file, **hub))
    except (EntryNotFoundError, HfHubHTTPError, HFValidationError, OSError):
        # Whoever opens the model as a whole one says it better.
        return None


def _is_known_to_be_missing(name: str, file: str, hub: Mapping[str, Any]) -> bool:
    """Return whether the local cache knows that a commit has no such file, which no request can change."""
    revision, subfolder = hub.get("revision"), hub.get("subfolder")
    if hub.get("force_download") or COMMIT.fullmatch(str(revision)) is None:
        return False
    where = f"{subfolder}/{file}" if subfolder else file
    try:
        return try_to_load_from_cache(name, where, hub.get("cache_dir"), revision) is _CACHED_NO_EXIST
    except HFValidationError:
        return False


def commit_of(name: str, options: Mapping[str, Any]) -> str | None:
    """Return the commit on the Hub that a name and its revision stand for now; None for a folder, or where unknown.

    With it as the revision all files of a model are of one commit, and those in the local cache need no request.

    Args:
        name: model id on the Hub, or a folder.
        options: of `from_pretrained`; those of the Hub are used.
    """
    if os.path.isdir(expand_home(name)):
        return None
    where = {key: options[key] for key in HUB_OPTIONS if key in options and key != "force_download"}
    path = hub_file(name, "config.json", where) or hub_file(name, ADAPTER_CONFIG_FILE, where)
    return commit_in(path)


def commit_in(path: str | None) -> str | None:
    """Return the commit that a file in the local cache of the Hub is of."""
    found = None if path is None else COMMIT_FOLDER.search(Path(path).as_posix())
    return None if found is None else found[1]


__all__ = ["HUB_OPTIONS", "commit_in", "commit_of", "hub_file"]
