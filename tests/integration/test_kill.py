# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost when processes die: kills over training and labelling change no bit of what comes out."""

from __future__ import annotations

import sys

import pytest
from kill_and_resume import kill_repeatedly


@pytest.mark.slow
@pytest.mark.parametrize("kills", [12, pytest.param(60, marks=pytest.mark.long)])
def test_kills_change_nothing(tmp_path, capsys, kills):
    report = kill_repeatedly(kills=kills, seed=0, work=tmp_path / "kills")
    with capsys.disabled():
        sys.stdout.write(f"\n{report}\n")
    assert len(report.kills) == kills
    # The kills reached both kinds of work, in their middle and not only at their start.
    for job in ("train", "label"):
        assert report.completed[job] >= 1
        assert any(kill.job == job and kill.progress > 0 for kill in report.kills)
