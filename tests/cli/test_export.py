# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A model becomes a file with a report, by the command."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import files_below, run


def test_export_writes_a_file_and_its_report(model: Path, tmp_path: Path) -> None:
    result = run("export", model, tmp_path / "out", "--format", "torch")
    assert result.exit_code == 0 and "model.pt2" in result.output and "of the range" in result.output, result.output
    assert files_below(tmp_path / "out") == ["model.pt2", "model.pt2.parity.json", "model.pt2.parity.md"]
    content = json.loads((tmp_path / "out" / "model.pt2.parity.json").read_text(encoding="utf-8"))
    assert content["accepted"] and content["metadata"]["input_size"] == [42, 42]
    fixed = run("export", model, tmp_path / "fixed.pt2", "--format", "torch", "--size", "28", "42")
    assert fixed.exit_code == 0 and "3 sizes" in fixed.output, fixed.output
    wrong = run("export", model, tmp_path / "out", "--format", "tensorflow")
    assert wrong.exit_code == 2 and "format must be one of" in wrong.output
    refused = run("export", model, tmp_path / "x.pt2", "--format", "torch", "--size", "30", "42")
    assert refused.exit_code == 2 and "multiples of 14" in refused.output
