# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Every code block of README and docs runs, with tiny models and datasets under the names that the blocks give."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmark_roots import write_benchmarks
from code_blocks import (
    EXPORTED,
    NOT_RUN,
    PROGRAM,
    PYTHON_NOT_RUN,
    TRAINING,
    arguments_of,
    blocks_of,
    folder_made_by,
    lines_of,
    reason_not_to_run,
    with_stand_ins,
)
from command_line import run
from hub_client import new_hub, use_hub
from huggingface_hub.utils import enable_progress_bars
from tiny_exports import export_once
from user_folder import make_user_folder, scene


ROOT = Path(__file__).parents[2]
# Notebooks have a test of their own, which runs all of their cells.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/cards").rglob("README.md"))]
PAGES = [path for path in PAGES if blocks_of(path)]
PUSHES = re.compile(r"push[-_]|Publisher")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fresh_accelerate")]


@pytest.fixture(scope="session")
def user_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("user")
    make_user_folder(root)
    write_benchmarks(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        call("pseudo-label", "photos", "--teacher", "runs/teacher", "--output_dir", "labels")
    return root


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """A Hub on loopback, for pages that push something."""
    if not PUSHES.search(request.getfixturevalue("page").read_text(encoding="utf-8")):
        yield
        return
    with new_hub() as server:
        use_hub(monkeypatch, server, tmp_path / "home")
        yield
    enable_progress_bars()


def copy_exported(root: Path, exports: Path) -> None:
    """Copy exported files to where pages have them; tests of exports take the same, so that they are made once."""
    for format, names in (("onnx", ("student", "model")), ("openvino", ("student", "openvino_model"))):
        _, file = export_once(exports, format)
        for path in file.parent.glob(f"{file.stem}.*"):
            for name in names if path.suffix in (".onnx", ".xml", ".bin") else ():
                shutil.copy(path, root / f"{name}{path.suffix}")


def call(*words: str) -> None:
    done = run(*words)
    assert done.exit_code == 0, f"{' '.join(words)}\n{done.output}\n{done.exception}"


def given_names(page: Path) -> dict[str, Any]:
    """What Python of a page has from the reader: maps of a model, and what was measured."""
    depth = [scene(number)[1] for number in range(2)]
    names: dict[str, Any] = {"__name__": page.stem}
    for number, metres in enumerate(depth, 1):
        names |= {f"depth_{number}": metres, f"disparity_{number}": (1 / metres - 0.05) / 0.02}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_code_blocks_run(page, user_folder, shared_place, tmp_path, monkeypatch, hub):
    root = tmp_path / "here"
    shutil.copytree(user_folder, root)
    if any(block.language in ("bash", "python") and EXPORTED.search(block.text) for block in blocks_of(page)):
        copy_exported(root, shared_place / "exports")
    monkeypatch.chdir(root)
    names = given_names(page)
    made: set[str] = set()
    for block in blocks_of(page):
        if block.title is not None:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            for line in lines_of(block):
                if reason_not_to_run(line) is None:
                    words = arguments_of(line)
                    folder = folder_made_by(words)
                    begins = words[0] in TRAINING and "--resume_from_checkpoint" not in words
                    if folder is not None and (folder not in made or begins):
                        # What stands there is for pages that begin later on the way.
                        shutil.rmtree(folder, ignore_errors=True)
                        made.add(folder)
                    call(*words)
        elif block.language == "python" and reason_not_to_run(block.text, PYTHON_NOT_RUN) is None:
            # Results of one's own are those of the block before.
            names |= dict.fromkeys(("first_result", "second_result"), names.get("result"))
            exec(compile(with_stand_ins(block.text), page.name, "exec"), names)


def test_almost_all_commands_run_and_every_reason_is_in_use():
    blocks = [block for page in PAGES for block in blocks_of(page)]
    lines = [line for block in blocks if block.language == "bash" for line in lines_of(block)]
    ours = [line for line in lines if line.startswith(f"{PROGRAM} ")]
    run_here = [line for line in ours if reason_not_to_run(line) is None]
    assert len(run_here) > 0.85 * len(ours), f"{len(run_here)} of {len(ours)}"
    assert [pattern for pattern in NOT_RUN if not any(re.search(pattern, line) for line in lines)] == []
    python = [block.text for block in blocks if block.language == "python"]
    run_here = [text for text in python if reason_not_to_run(text, PYTHON_NOT_RUN) is None]
    assert len(run_here) >= len(python) - 1
    assert [pattern for pattern in PYTHON_NOT_RUN if not any(re.search(pattern, text) for text in python)] == []
