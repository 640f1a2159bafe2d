# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A test tool: the command `demo` in a process of its own, stopped by SIGTERM, its folder looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


NEEDS_GRADIO = 'needs gradio: pip install "depth_anything_hf[demo]"'
SECONDS_TO_END = 60
# Of a request that names a file which was not uploaded.
REFUSED = "exceptions.InvalidPathError:"


@contextmanager
def served_demo(
    place: Path, *arguments: str, may_log: str = "exceptions.InvalidPathError:"
) -> Iterator[tuple[str, Path]]:
    """Start the command and stop it at the end.

    Args:
        place: an empty folder for its temporary files.
        *arguments: of the command.
        may_log: error of gradio that may be in its log: that of a path that was not uploaded.

    Yields:
        Its address without the slash behind it, and its own folder, which is checked to be gone at the end.
    """
    pytest.importorskip("gradio", reason=NEEDS_GRADIO)
    log = (place / "log.txt").open("w+", encoding="utf-8")
    command = [sys.executable, "-m", "depth_anything_hf.cli", "demo", "--engine", "torch", *arguments]
    environment = {**os.environ, "TMPDIR": str(place), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://127.0.0.1:"), (line, (place / "log.txt").read_text(encoding="utf-8"))
        (folder,) = place.glob("depth-anything-demo-*")
        yield line.split()[0].rstrip("/"), folder
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=SECONDS_TO_END) == 0
        assert not folder.exists()
        errors = (place / "log.txt").read_text(encoding="utf-8")
        assert errors.count("Traceback (most") == errors.count(may_log), errors
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        log.close()
