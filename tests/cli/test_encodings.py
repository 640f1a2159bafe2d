# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`encodings`: all, one, as JSON, and of a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from encoded_maps import dpt, npy, png
from typer.testing import CliRunner

from depth_anything_hf.cli.main import app
from depth_anything_hf.data.decoding.encodings.catalog import ENCODINGS


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["encodings", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_all_of_them() -> None:
    lines = run().splitlines()
    assert [line.split()[0] for line in lines] == list(ENCODINGS)
    records = json.loads(run("--json"))
    assert [record["name"] for record in records] == list(ENCODINGS)
    assert all(record["source"] and record["verified"] for record in records)


def test_one_of_them() -> None:
    shown = run("realsense")
    assert "name: mm" in shown and "verified: with genuine files" in shown and "  missing: " in shown
    assert json.loads(run("depth16", "--json"))["geometry"] == "unknown"
    refused = CliRunner().invoke(app, ["encodings", "sunrgb"])
    assert refused.exit_code == 2 and "did you mean 'sunrgbd'?" in refused.output


def test_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(np.full((9, 9), 2000, np.uint16)))
    shown = run("--file", str(path))
    assert "uint16 (9, 9) without a unit" in shown and "  tenth_mm       0.2 m" in shown
    assert json.loads(run("--file", str(path), "--json"))["middle_in_metres"]["mm"] == 2
    path.write_bytes(dpt(np.ones((3, 4), np.float32)))
    assert run("--file", str(path)) == f"{path}: sintel, by its content\n"
    path.write_bytes(npy(np.ones((3, 4), np.float32)))
    assert "float32 (3, 4), and nothing in it says what the numbers are" in run("--file", str(path))
    refused = CliRunner().invoke(app, ["encodings", "mm", "--file", str(path)])
    assert refused.exit_code == 2 and "cannot be combined" in refused.output
