# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A manifest finds every kind of damage and names the file."""

from __future__ import annotations

import json
from pathlib import Path

from depth_anything_hf.utils.manifest import find_damage, write_manifest


def make_folder(path: Path, content: str = "content") -> Path:
    (path / "state").mkdir(parents=True)
    (path / "model").write_text(content)
    (path / "state" / "optimizer").write_text(content * 1000)
    write_manifest(path)
    return path


def test_a_whole_folder_has_no_damage(tmp_path):
    folder = make_folder(tmp_path / "checkpoint-1")
    assert find_damage(folder) is None
    manifest = json.loads((folder / "manifest.json").read_text())["files"]
    assert manifest["state/optimizer"]["bytes"] == 7000
    # Whoever adds a note to a checkpoint does it no harm, and a second manifest does not list the first.
    (folder / "note").write_text("good one")
    write_manifest(folder)
    assert find_damage(folder) is None


def test_every_kind_of_damage_is_found_and_named(tmp_path):
    folder = make_folder(tmp_path / "checkpoint-1")
    optimizer = folder / "state" / "optimizer"
    whole = optimizer.read_bytes()
    optimizer.write_bytes(whole[:-1])
    assert find_damage(folder) == "state/optimizer has 6999 bytes, expected 7000"
    optimizer.write_bytes(whole[:100] + b"C" + whole[101:])
    assert "the content of state/optimizer has changed" in str(find_damage(folder))
    assert find_damage(folder, checksums=False) is None
    optimizer.unlink()
    assert find_damage(folder) == "state/optimizer is missing"
    (folder / "manifest.json").write_text('{"files": {"mod')
    assert find_damage(folder) == "manifest.json is not readable"
    (folder / "manifest.json").unlink()
    assert find_damage(folder) == "manifest.json is missing"
