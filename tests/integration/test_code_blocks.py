# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every code block of README and docs runs, with tiny models under the names that the blocks give."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from code_blocks import (
    NOT_RUN,
    PROGRAM,
    PYTHON_NOT_RUN,
    arguments_of,
    blocks_of,
    folder_made_by,
    lines_of,
    reason_not_to_run,
)
from command_line import run
from user_folder import make_user_folder


ROOT = Path(__file__).parents[2]
PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if blocks_of(path)]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fresh_accelerate")]


@pytest.fixture(scope="session")
def user_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("user")
    make_user_folder(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        call("pseudo-label", "photos", "--teacher", "runs/teacher", "--output_dir", "labels")
    return root


def call(*words: str) -> None:
    done = run(*words)
    assert done.exit_code == 0, f"{' '.join(words)}\n{done.output}\n{done.exception}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_code_blocks_run(page, user_folder, tmp_path, monkeypatch):
    root = tmp_path / "here"
    shutil.copytree(user_folder, root)
    monkeypatch.chdir(root)
    names: dict[str, Any] = {"__name__": page.stem}
    made: set[str] = set()
    for block in blocks_of(page):
        if block.title is not None:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            for line in lines_of(block):
                if reason_not_to_run(line) is None:
                    words = arguments_of(line)
                    folder = folder_made_by(words)
                    if folder is not None and folder not in made:
                        # What stands there is for pages that begin later on the way.
                        shutil.rmtree(folder, ignore_errors=True)
                        made.add(folder)
                    call(*words)
        elif block.language == "python" and reason_not_to_run(block.text, PYTHON_NOT_RUN) is None:
            exec(compile(block.text, page.name, "exec"), names)


def test_most_commands_run_and_every_reason_is_in_use():
    blocks = [block for page in PAGES for block in blocks_of(page)]
    lines = [line for block in blocks if block.language == "bash" for line in lines_of(block)]
    ours = [line for line in lines if line.startswith(f"{PROGRAM} ")]
    run_here = [line for line in ours if reason_not_to_run(line) is None]
    assert len(run_here) > 0.6 * len(ours), f"{len(run_here)} of {len(ours)}"
    assert [pattern for pattern in NOT_RUN if not any(re.search(pattern, line) for line in lines)] == []
    python = [block.text for block in blocks if block.language == "python"]
    assert [pattern for pattern in PYTHON_NOT_RUN if not any(re.search(pattern, text) for text in python)] == []
