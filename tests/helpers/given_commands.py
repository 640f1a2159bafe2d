# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""All commands that are given to readers: by papers, by `--help`, by docstrings of scripts, and by messages.

python tests/helpers/given_commands.py   # how many code blocks and commands, and what becomes of them in the tests
"""

from __future__ import annotations

import ast
import re
import shlex
import sys
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from code_blocks import BLOCK, PROGRAM, PYTHON_NOT_RUN, blocks_of, lines_of, reason_not_to_run
from command_line import run
from command_parsing import OTHER_PROGRAMS

from depth_anything_hf.cli.main import DepthAnything


ROOT = Path(__file__).parents[2]
PAPERS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = [path for folder in ("examples", "benchmarks", "docs/figures", ".ci", "tests/helpers")
           for path in sorted((ROOT / folder).rglob("*.py"))]  # fmt: skip
ROOT_ONLY = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
SPAN = re.compile(r"`([^`\n]+)`")
STARTS = re.compile(rf"(?:{PROGRAM}|python|make|accelerate launch|torchrun|srun|sbatch|pip) ")
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")
WORDS_OF_LOOPS = ("do", "done", "then")
# In a text, for a name, a number or a path of the reader's own.
PLACEHOLDERS = {"N": "2", "OWNER/NAME": "owner/name"}


@dataclass(frozen=True)
class Given:
    """A simple command.

    Attributes:
        place: who gives it.
        words: of the command, without redirections and variables before it.
        in_part: it stands in a sentence, which may leave out what is required.
    """

    place: str
    words: tuple[str, ...]
    in_part: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {shlex.join(self.words)}"


def simple_commands(line: str) -> list[list[str]]:
    """Return the commands of a line of the shell, without redirections, variables before them, and loops."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="<>|&;")
    lexer.whitespace_split = True
    tokens = deque(lexer)
    found: list[list[str]] = [[]]
    looped: dict[str, str] = {}
    while tokens:
        token = tokens.popleft()
        if set(token) <= set("|&;"):
            found.append([])
        elif set(token) <= set("<>"):
            tokens.popleft()
        elif found[-1] or not (token in WORDS_OF_LOOPS or re.match(r"[A-Z_]+=", token)):
            for name, value in looped.items():
                token = token.replace(name, value)
            found[-1].append(token)
            if found[-1][0] == "for" and len(found[-1]) == 4:
                # The first value stands for all of them.
                looped[f"${found[-1][1]}"] = token
    return [words for words in found if words and words[0] != "for"]


def commands_of_papers() -> list[Given]:
    """Return the commands of shell blocks, of what a terminal shows, and of code spans."""
    found = []
    for paper in PAPERS:
        place = paper.relative_to(ROOT).as_posix()
        for block in blocks_of(paper):
            if block.language == "bash":
                lines = lines_of(block)
            else:
                text = block.text.replace("\\\n", " ")
                lines = re.findall(rf"^(?:\$ )?({PROGRAM} .+)", text, re.MULTILINE)
            found += [Given(place, tuple(words)) for line in lines for words in simple_commands(line)]
        # What the changelog says is removed is not there.
        text = BLOCK.sub("", paper.read_text(encoding="utf-8")).split("### Removed")[0]
        found += [Given(place, tuple(words), in_part=True) for words in _commands_of_spans(text)]
    return found


def flags_of_papers() -> set[tuple[str, str]]:
    """Return the flags in code spans, each with the paper that names it; the changelog also has former names."""
    found = set()
    for paper in PAPERS:
        text = BLOCK.sub("", paper.read_text(encoding="utf-8"))
        for span in SPAN.findall(text) if paper.name != "CHANGELOG.md" else ():
            if span.split()[0] not in OTHER_PROGRAMS:
                found |= {(paper.name, flag) for flag in FLAG.findall(span)}
    return found


def known_flags() -> set[str]:
    """Return the flags of all commands and scripts, written with underscores."""
    texts = [*help_texts().values(), *(path.read_text(encoding="utf-8") for path in SCRIPTS)]
    return {flag.replace("-", "_") for text in texts for flag in FLAG.findall(text)}


def _commands_of_spans(text: str) -> Iterator[list[str]]:
    for span in SPAN.findall(text):
        span = re.sub(r"\[(\w+)\]\.*$", r"\1", span)
        if STARTS.match(span):
            line = span
        elif span.split()[0] in DepthAnything.entries and " --" in span:
            line = f"{PROGRAM} {span}"
        else:
            continue
        # One of several, as in `--format onnx|torch`.
        for words in simple_commands(re.sub(r"(\w)\|\w[\w|]*", r"\1", line)):
            yield [PLACEHOLDERS.get(word, word) for word in words]


@cache
def help_texts() -> dict[str, str]:
    """Return what `--help` of the program and of each command shows."""
    texts = {}
    for words in ([], *([name] for name in DepthAnything.entries), ["recipes", "show"], ["recipes", "list"]):
        texts[" ".join([*words, "--help"])] = run(*words, "--help", COLUMNS="200").output
    return texts


def commands_of_help() -> list[Given]:
    """Return the examples of all commands."""
    found = []
    for place, text in help_texts().items():
        for line in re.findall(r"^  +((?:srun )?depth-anything-hf .+)", text.replace("\\\n", " "), re.MULTILINE):
            found += [Given(place, tuple(words)) for words in simple_commands(line)]
    return found


def commands_of_scripts() -> list[Given]:
    """Return the commands that the docstrings of scripts begin with."""
    found = []
    for path in SCRIPTS:
        text = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").replace("\\\n", " ")
        for line in re.findall(rf"^ *((?:for .+; do )?(?:{STARTS.pattern}).*)", text, re.MULTILINE):
            # A script that is named at the beginning of a sentence is no command line.
            if re.search(r"\.py\b|; do ", line):
                line = re.sub(r"(?<!\w)\[.*?\]", "", line)
                found += [Given(path.relative_to(ROOT).as_posix(), tuple(words)) for words in simple_commands(line)]
    return found


def commands_of_messages() -> list[Given]:
    """Return the commands in code spans of docstrings and messages of the package."""
    found = []
    for path in sorted((ROOT / "depth_anything_hf").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if f"`{PROGRAM} " in text or re.search(r"`[a-z-]+ --", text):
            place = path.relative_to(ROOT).as_posix()
            for constant in _texts(ast.parse(text)):
                found += [Given(place, tuple(words), in_part=True) for words in _commands_of_spans(constant)]
    return found


def _texts(tree: ast.AST) -> Iterator[str]:
    """The texts of a program, what is filled in as the word X."""
    parts = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


def counts() -> dict[str, int]:
    """Return how many code blocks and commands there are, and what becomes of them in the tests."""
    found: Counter[str] = Counter()
    for paper in PAPERS:
        is_notebook = paper.parent.name == "notebooks"
        for block in blocks_of(paper):
            language = block.language or "no language"
            found[f"blocks: {language}"] += 1
            if block.language == "python":
                reason = "as cells" if is_notebook else reason_not_to_run(block.text, PYTHON_NOT_RUN)
                found[f"python: {'run' if reason is None else f'run elsewhere: {reason}'}"] += 1
            elif block.language == "bash":
                for line in lines_of(block):
                    reason = reason_not_to_run(line) or ("for contributors" if paper.name in ROOT_ONLY else None)
                    found[f"shell: {'run' if reason is None else f'parsed: {reason}'}"] += 1
    for find in (commands_of_papers, commands_of_help, commands_of_scripts, commands_of_messages):
        found[f"parsed {find.__name__.replace('_', ' ')}"] = len({(each.words, each.in_part) for each in find()})
    return dict(sorted(found.items()))


if __name__ == "__main__":
    for name, count in counts().items():
        sys.stdout.write(f"{count:5}  {name}\n")
