# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A model becomes a file with a report, by the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from command_line import files_below, run


@pytest.mark.slow
def test_export_writes_a_file_and_its_report(model: Path, tmp_path: Path) -> None:
    if not hasattr(torch.compiler, "is_exporting"):
        pytest.skip("models are exported by PyTorch 2.7 or later")
    out = tmp_path / "out"
    result = run("export", model, out, "--format", "torch", "--size", "42", "56")
    assert result.exit_code == 0 and "model.pt2" in result.output and "of the range" in result.output, result.output
    assert files_below(out) == ["model.pt2", "model.pt2.parity.json", "model.pt2.parity.md"]
    content = json.loads((out / "model.pt2.parity.json").read_text(encoding="utf-8"))
    assert content["accepted"] and content["metadata"]["input_size"] == [42, 56]


def test_export_says_what_there_is(model: Path, tmp_path: Path) -> None:
    wrong = run("export", model, tmp_path / "out", "--format", "tensorflow")
    assert wrong.exit_code == 2 and "format must be one of" in wrong.output
    refused = run("export", model, tmp_path / "x.pt2", "--format", "torch", "--size", "30", "42")
    assert refused.exit_code == 2 and "multiples of 14" in refused.output
