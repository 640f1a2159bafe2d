# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files that are none of this package's exports."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from depth_anything_hf.export import open_exported


def test_other_files_are_refused_by_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"expected an exported file \(\.pt2, \.onnx, \.xml\)"):
        open_exported(tmp_path / "model.safetensors")
    with pytest.raises(FileNotFoundError, match="no such file"):
        open_exported(tmp_path / "model.pt2")
    (tmp_path / "broken.pt2").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="damaged, or no program"):
        open_exported(tmp_path / "broken.pt2")
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),), strict=False)
    torch.export.save(program, tmp_path / "other.pt2")
    with pytest.raises(ValueError, match="not written by export_model"):
        open_exported(tmp_path / "other.pt2")
    # Nor are tracebacks logged.
    assert "Traceback" not in capfd.readouterr().err
