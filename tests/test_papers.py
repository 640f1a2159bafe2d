# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""README, CONTRIBUTING, SECURITY and docs: Python runs; modules, files and links exist."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from tiny_model import TINY_ENCODER
from transformers import Dinov2Config, Dinov2Model


ROOT = Path(__file__).parents[1]
PAPERS = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")]
PAPERS += sorted((ROOT / "docs").rglob("*.md"))

BLOCK = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
MODULE = re.compile(r"(?<!\")depth_anything_hf(?:\.\w+)+")
FOLDERS = r"depth_anything_hf|examples|benchmarks|docs|tests|findings|\.ci|\.github"
FILE = re.compile(rf"(?<![\w/.])(?:{FOLDERS})/[\w./-]+(?:\.(?:py|yaml|md|sh|json|ipynb)|/)")

each_paper = pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.relative_to(ROOT).as_posix())


def blocks(paper: Path, language: str) -> list[str]:
    matches = BLOCK.finditer(paper.read_text(encoding="utf-8"))
    return [match["text"] for match in matches if match["language"] == language]


@each_paper
def test_python_imports_what_exists(paper):
    for block in blocks(paper, "python"):
        # Without the commands of notebooks.
        code = re.sub(r"^( *)[%!].*", r"\1pass", block.replace("\\\n", " "), flags=re.MULTILINE)
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("depth_anything_hf"):
                module = importlib.import_module(str(node.module))
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@each_paper
def test_modules_and_files_that_are_named_exist(paper):
    text = paper.read_text(encoding="utf-8")
    for name in MODULE.findall(text):
        thing = importlib.import_module("depth_anything_hf")
        for part in name.split(".")[1:]:
            if not hasattr(thing, part):
                importlib.import_module(f"{thing.__name__}.{part}")
            thing = getattr(thing, part)
    assert [path for path in FILE.findall(text) if "NAME" not in path and not (ROOT / path).exists()] == []


@each_paper
def test_links_lead_somewhere(paper):
    links = LINK.findall(paper.read_text(encoding="utf-8"))
    assert [link for link in links if not (paper.parent / link).exists()] == []


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, make_tiny_model, labelled_folder):
    from depth_anything_hf import DepthAnythingImageProcessor

    make_tiny_model().save_pretrained(tmp_path / "depth")
    DepthAnythingImageProcessor(size={"height": 56, "width": 56}).save_pretrained(tmp_path / "depth")
    Dinov2Model(Dinov2Config(**TINY_ENCODER)).save_pretrained(tmp_path / "encoder")
    monkeypatch.chdir(tmp_path)
    found = blocks(ROOT / "README.md", "python")
    assert len(found) == 2
    for block in found:
        local = (
            block.replace("depth-anything/Depth-Anything-V2-Small-hf", "depth")
            .replace("facebook/dinov2-small", "encoder")
            .replace("photograph.jpg", str(labelled_folder / "images" / "0.png"))
        )
        assert local != block
        names: dict[str, Any] = {}
        exec(compile(local, "README.md", "exec"), names)
    assert names["loss"].item() > 0 and (tmp_path / "my-depth" / "model.safetensors").is_file()
    assert (tmp_path / "my-depth" / "preprocessor_config.json").is_file()


@pytest.mark.usefixtures("fresh_accelerate")
def test_the_python_about_own_parts_runs(tmp_path, monkeypatch):
    Dinov2Model(Dinov2Config(**TINY_ENCODER)).save_pretrained(tmp_path / "encoder")
    monkeypatch.chdir(tmp_path)
    (block,) = blocks(ROOT / "docs" / "own_parts.md", "python")
    names: dict[str, Any] = {"__name__": "own_parts"}
    exec(compile(block.replace("facebook/dinov2-small", "encoder"), "own_parts.md", "exec"), names)
    assert names["result"].steps == 4 and (tmp_path / "runs" / "mine" / "best" / "model.safetensors").is_file()
    assert "eval_mean_error" in (tmp_path / "runs" / "mine" / "results.csv").read_text()
