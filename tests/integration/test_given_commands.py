# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What readers are told to type is taken by its parser, also what no test can run: other machines, GPUs, servers."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from code_blocks import BLOCK, blocks_of
from command_line import run
from command_parsing import ROOT, problem_of, problem_of_script
from given_commands import (
    PAPERS,
    Given,
    commands_of_help,
    commands_of_messages,
    commands_of_papers,
    commands_of_scripts,
    flags_of_papers,
    help_texts,
    known_flags,
    simple_commands,
)
from user_folder import POINTS

from depth_anything_hf.data.data_source import DataSource


@pytest.mark.parametrize(
    ("find", "least"),
    [(commands_of_papers, 250), (commands_of_help, 70), (commands_of_scripts, 50), (commands_of_messages, 20)],
)
def test_every_command_is_one_that_its_parser_takes(find: Callable[[], list[Given]], least: int) -> None:
    found = {(each.words, each.in_part): each for each in find()}
    problems = {str(each): problem_of(each.words, in_part=each.in_part) for each in found.values()}
    wrong = [f"{line}: {problem}" for line, problem in problems.items() if problem is not None]
    assert not wrong, "\n".join(wrong)
    assert len(found) >= least


def test_every_fence_is_one_that_is_read() -> None:
    # Further ones, as within lists or of other languages, would be passed over.
    known = {"bash", "python", "yaml", "json", "text", "bibtex", ""}
    for paper in PAPERS:
        assert {block.language for block in blocks_of(paper)} <= known, paper
        left = BLOCK.sub("", paper.read_text(encoding="utf-8"))
        assert re.findall(r"^[ >]*(?:```|~~~).*", left, re.MULTILINE) == [], paper


def test_every_flag_in_a_text_is_one_of_a_command_or_script() -> None:
    found, known = flags_of_papers(), known_flags()
    assert len(found) > 200
    assert sorted((paper, flag) for paper, flag in found if flag.replace("-", "_") not in known) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("depth-anything-hf predict photos/ -o out/ --colourmap gray", "No such option"),
        ("depth-anything-hf render out/ --count many", "many"),
        ("depth-anything-hf review labels/ -o review/ --by luck", "luck"),
        ("depth-anything-hf evaluate runs/student --data scenes/", None),
        (
            "depth-anything-hf distill --recipe student --train_data labels/ --output_dir a --feature_wieght 1",
            "feature_w",
        ),
        ("depth-anything-hf distill --recipe student --train_data labels/", "output_dir"),
        ("depth-anything-hf distill --recipe student ...", None),
        ("depth-anything-hf distil", "no command"),
        ("accelerate launch examples/distill.py --recipe studnt --train_data a --output_dir b", "studnt"),
        ("python benchmarks/inference.py --pears stock", "--pears"),
        ("python benchmarks/absent.py", "no file"),
        ("python -m pytest tests/absent.py", "no tests/absent.py"),
        ("make tests", "no target"),
        ("make study PRSET=full", "no variable"),
        ('pip install "depth_anything_hf[onnx,tensorrt]"', "tensorrt"),
        ("dephtanything predict", "unknown program"),
    ],
)
def test_what_a_parser_refuses_is_found(line: str, problem: str | None) -> None:
    (words,) = simple_commands(line)
    found = problem_of(words)
    assert (found is None) if problem is None else (found is not None and problem in found), found


def test_lines_of_the_shell_are_taken_apart() -> None:
    assert simple_commands("A=1 depth-anything-hf env | xclip -selection x > out.txt # why") == [
        ["depth-anything-hf", "env"],
        ["xclip", "-selection", "x"],
    ]
    assert simple_commands("for scene in 500 501; do render clips/$scene; done") == [["render", "clips/500"]]


def test_a_script_is_asked_no_further_than_for_its_options() -> None:
    script = ROOT / "benchmarks" / "tile_seams.py"
    assert "are required" in str(problem_of_script(script, []))
    assert problem_of_script(script, [], in_part=True) is None


def test_a_script_that_cannot_begin_is_named(tmp_path: Path) -> None:
    script = tmp_path / "needs_more.py"
    script.write_text("from argparse import ArgumentParser\nimport absent_package\n")
    assert "needs_more.py ended" in str(problem_of_script(script, [])) and "absent_package" in str(
        problem_of_script(script, [])
    )


def python_of_help() -> list[tuple[str, str]]:
    blocks = re.compile(r"^( +)In Python:\n((?:\1 +.+\n)+)", re.MULTILINE)
    return [
        (place, inspect.cleandoc(code)) for place, text in help_texts().items() for _, code in blocks.findall(text)
    ]


@pytest.mark.parametrize(("place", "code"), python_of_help(), ids=lambda value: value.split("\n")[0][:30])
def test_python_in_help_names_what_is_there_with_its_parameters(place: str, code: str) -> None:
    tree = ast.parse(code)
    names: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(str(node.module))
            names |= {alias.name: getattr(module, alias.name) for alias in node.names}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert calls
    rooms: list[ModuleType] = []
    for call in calls:
        function = resolve(call.func, names, rooms)
        if function is not None:
            given = {str(keyword.arg): None for keyword in call.keywords}
            inspect.signature(function).bind(*[None] * len(call.args), **given)


def resolve(node: ast.expr, names: dict[str, Any], rooms: list[ModuleType]) -> Any:
    """Return what a name stands for; a bare one that is not imported is of the file of the call around it."""
    if isinstance(node, ast.Attribute):
        dotted = ast.unparse(node)
        if not re.fullmatch(r"[\w.]+", dotted):
            return None
        thing: Any = importlib.import_module(dotted.split(".")[0])
        for part in dotted.split(".")[1:]:
            if not hasattr(thing, part):
                importlib.import_module(f"{thing.__name__}.{part}")
            thing = getattr(thing, part)
            if isinstance(thing, ModuleType):
                rooms.append(thing)
        return thing
    assert isinstance(node, ast.Name)
    for owner in (names, vars(builtins), *(vars(room) for room in rooms)):
        if node.id in owner:
            return owner[node.id]
    raise AssertionError(f"{node.id} is neither imported nor of {[room.__name__ for room in rooms]}")


YAML = [(page, block.text) for page in PAPERS for block in blocks_of(page) if block.language == "yaml"]


@pytest.mark.parametrize(("page", "text"), YAML, ids=lambda value: value.name if isinstance(value, Path) else "")
def test_yaml_is_a_recipe_of_a_command(page: Path, text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    values = yaml.safe_load(text)
    given = [] if "train_data" in values else ["--train_data", "data"]
    given += [] if "encoder_config" in values else ["--encoder_name_or_path", "facebook/dinov2-small"]
    flags = ["--recipe", str(tmp_path / "mine.yaml"), *given, "--output_dir", "out", "--print_config"]
    verbs = {"train": [], "distill": [], "finetune": ["--max_depth", "20"]}
    done = {verb: run(verb, *flags, *further) for verb, further in verbs.items()}
    assert any(each.exit_code == 0 for each in done.values()), {verb: each.output for verb, each in done.items()}
    for key in ("train_data", "eval_data"):
        sources = values.get(key, [])
        for source in sources if isinstance(sources, list) else [sources]:
            DataSource(**source)


def test_json_is_what_the_command_writes(tmp_path: Path) -> None:
    from depth_anything_hf.inference.calibration import Calibration

    found = [block for page in PAPERS for block in blocks_of(page) if block.language == "json"]
    (shown,) = (json.loads(block.text) for block in found)
    (tmp_path / "camera.json").write_text(json.dumps(shown))
    calibration = Calibration.load(tmp_path / "camera.json")
    calibration.save(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == shown


def test_the_table_of_points_is_that_of_the_tests() -> None:
    tables = [block.text for page in PAPERS for block in blocks_of(page) if block.text.startswith("x,y,depth")]
    assert tables == [POINTS]


def shown_in_terminals() -> list[tuple[str, str, str]]:
    found = []
    for page in PAPERS:
        for block in blocks_of(page):
            for command, output in re.findall(r"^\$ (.+)\n((?:(?!\$ ).+\n)*)", block.text, re.MULTILINE):
                found.append((page.name, command, output))
    return found


def terminal(command: str) -> str:
    """Return what a block shows after a command."""
    (output,) = (output for _, shown, output in shown_in_terminals() if shown == command)
    return output


def test_every_output_in_a_terminal_is_compared() -> None:
    assert sorted(command.split()[1] for _, command, _ in shown_in_terminals()) == ["datasets", "plan"]


def test_a_dataset_is_shown_as_in_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from public_datasets import WRITERS

    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "tum").mkdir(parents=True)
    WRITERS["tum"](tmp_path / "data" / "tum")
    output = terminal("depth-anything-hf datasets tum --root /data/tum")
    done = run("datasets", "tum", "--root", "data/tum")
    assert done.exit_code == 0

    # Other frames: other names and numbers.
    def form(text: str) -> set[str]:
        return {re.sub(r"\d+(\.\d+)?|^  \S+|samples?\b|(un)?known|^/", "_", line) for line in text.splitlines()}

    assert form(f"/{done.output}") == form(output)


@pytest.mark.slow
def test_a_plan_is_as_in_the_docs() -> None:
    output = terminal("depth-anything-hf plan large --device rtx-3090 --encoder_strategy full --max_steps 20000")
    # One of the ways: all of them take half a minute.
    way = ["--mixed_precision", "bf16", "--gradient_checkpointing", "layers"]
    flags = ["--device", "rtx-3090", "--encoder_strategy", "full", "--max_steps", "20000"]
    done = run("plan", "large", *flags, *way)
    assert done.exit_code == 0, done.output
    (shown,) = (line.split() for line in output.splitlines() if "bf16       layers" in line)
    assert shown in [line.split()[: len(shown)] for line in done.output.splitlines()], done.output
