# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What names this machine is found in files of every kind, with its key, and weights are not searched."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from depth_anything_hf.utils.machine_traces import traces_in_file, traces_in_text, traces_in_values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": {"path": "/mnt/x"}}, ["a.path: '/mnt/x'"]),
        ({"a": ["b", "../x"]}, ["a: '../x'"]),
        ({"note": "made in /home/somebody/x"}, ["note: 'made in /home/somebody/x'"]),
        ({"/mnt/x": 1}, ["'/mnt/x'"]),
        ({"name": "owner/name", "url": "https://a/b", "n": 3, "other": None, "half": ".5"}, []),
    ],
)
def test_values_are_named_by_their_keys(values: Any, expected: list[str]) -> None:
    assert list(traces_in_values(values)) == expected


def test_free_text_may_name_what_all_machines_have() -> None:
    text = "Run /usr/bin/env, see https://host/home/somebody/x and [more](../more.md).\nFrom /home/somebody/x."
    assert list(traces_in_text(text)) == ["line 2: '/home/somebody/x.'"]


def test_the_name_of_the_machine_is_found_where_it_is_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for host, is_found in (("gpu-07.lab.example", True), ("vm", False), ("workstation", False)):
        monkeypatch.setattr(platform, "node", lambda host=host: host)
        assert bool(list(traces_in_values({"host": f"ran on {host}"}))) == is_found
        assert bool(list(traces_in_text(f"It ran on {host}."))) == is_found


def test_files_of_every_kind(tmp_path: Path) -> None:
    place = "/home/somebody/set one/a.png"
    values = {"data": {"first": place}}
    (tmp_path / "a.json").write_text(json.dumps(values))
    (tmp_path / "b.jsonl").write_text(json.dumps({}) + "\n" + json.dumps(values) + "\n")
    (tmp_path / "c.yaml").write_text(f"data:\n  first: {place}\n")
    (tmp_path / "d.md").write_text(f"# Card\n\nFrom {place}.\n")
    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "e.safetensors", metadata={"source": place})
    torch.save({"tensor": torch.zeros(3), **values}, tmp_path / "f.pt")
    torch.save(values, tmp_path / "g.pkl")
    (tmp_path / "h.png").write_bytes(b"\x89PNG\0" + place.encode())
    (tmp_path / "i.json").write_text(f"no JSON: {place}")
    found = {path.name: list(traces_in_file(path)) for path in sorted(tmp_path.iterdir())}
    assert all(len(traces) == 1 and "/home/somebody" in traces[0] for traces in found.values()), found
    assert found["a.json"] == [f"data.first: {place!r}"] and found["e.safetensors"] == [f"source: {place!r}"]
    assert found["f.pt"][0].startswith("f/data.pkl: ")


def test_weights_and_their_archives_are_no_traces(tmp_path: Path) -> None:
    weights = np.frombuffer(b"/home/somebody/x" * 4, np.uint8)
    save_file({"weight": weights}, tmp_path / "a.safetensors", metadata={"format": "pt"})
    torch.save({"weight": torch.from_numpy(weights.copy())}, tmp_path / "b.bin")
    (tmp_path / "c.safetensors").write_bytes(b"damaged")
    assert [list(traces_in_file(path)) for path in sorted(tmp_path.iterdir())] == [[], [], []]
