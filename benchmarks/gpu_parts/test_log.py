# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest that writes each outcome down as soon as it is known, with the figures that a test recorded.

What the run has found is then there also when its time is over before its end. The file is named by GPU_TEST_LOG.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def pytest_runtest_logreport(report: Any) -> None:
    # With pytest-xdist the main process gets the reports of all.
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    if report.when != "call" and report.outcome == "passed":
        return
    reason = ""
    if report.outcome == "skipped":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    elif report.outcome == "failed":
        reason = report.longreprtext[-3000:]
    line = {
        "test": report.nodeid,
        "outcome": report.outcome,
        "seconds": round(report.duration, 2),
        "figures": dict(report.user_properties),
        "reason": reason,
    }
    with Path(os.environ["GPU_TEST_LOG"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
