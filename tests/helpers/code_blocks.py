# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Code blocks of Markdown: where they stand, and the commands of the program in them, made short enough for tests."""

from __future__ import annotations

import re
import shlex
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from user_folder import encoder_config


PROGRAM = "depth-anything-hf"
BLOCK = re.compile(r"^```(?P<language>\w*)(?P<title>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')

# What is not run, by a pattern of the line, and why. `test_given_commands` has the parsers of all of it read it.
NOT_RUN = {
    r"^(make|pip|git|cd|pre-commit) ": "sets up, or another program",
    r"^python (benchmarks|examples|docs)/": "its own tests run it",
    r"^(srun|sbatch|torchrun) |--num_machines|--scheduler ray": "needs several processes or machines",
    r"-hf demo": "runs until it is stopped",
    r" export ": "takes half a minute each; tests of exports do it",
}
PYTHON_NOT_RUN = {
    r"ACCELERATE|EarlyStoppingCallback": "a test of its own runs it and looks at what comes",
}
# What stands for what a test has not, in commands and in Python.
STAND_INS = {
    "camera:0": "camera:test",
    "runs/student/model.onnx": "student.onnx",
    "/data/": "data/",
    "path/to/this/model": "runs/student",
    "checkpoint-1000": "checkpoint-2",
}
# What a text leaves out.
LEFT_OUT = ["--encoder_name_or_path", "facebook/dinov2-small", "--train_data", "labels"]
# Large numbers of the docs, and what is taken in their place; without any, the flag is left out.
SHORTER: dict[str, list[str]] = {
    "--num_processes": [],
    "--accelerate_config": [],
    "--processes": ["1"],
    "--count": ["2"],
    "--max_frames": ["3"],
    "--height": ["56"],
    "--width": ["56"],
    "--size": ["56", "84"],
    "--tile_size": ["112"],
    "--encoder_config": [encoder_config()],
}
SHORT_RUN = {
    "--max_steps": "2",
    "--input_size": "56",
    "--per_device_train_batch_size": "2",
    "--gradient_accumulation_steps": "1",
    "--dataloader_num_workers": "0",
    "--max_zero_share": "1",
    "--logging_steps": "1",
}
TRAINING = ("train", "distill", "finetune")
EXPORTED = re.compile(r"\.(onnx|xml|pt2)\b")


@dataclass
class Block:
    """A code block: its language, the file that its title names, and its text."""

    language: str
    title: str | None
    text: str


def blocks_of(page: Path) -> list[Block]:
    """Return the code blocks of a page in their order."""
    found = []
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        title = TITLE.search(match["title"])
        found.append(Block(match["language"], title[1] if title else None, match["text"]))
    return found


def lines_of(block: Block) -> list[str]:
    """Return the commands of a shell block, those of several lines joined, without comments.

    In place of a loop its body is returned once, with the first value.
    """
    lines: list[str] = []
    looped: dict[str, str] = {}
    for line in block.text.replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s)#\s.*", "", line).strip()
        loop = re.match(r"for (\w+) in (\S+).*; do$", line)
        if loop:
            looped = {f"${loop[1]}": loop[2]}
        elif line == "done":
            looped = {}
        elif line:
            for name, value in looped.items():
                line = line.replace(name, value)
            lines.append(line)
    return lines


def reason_not_to_run(text: str, patterns: dict[str, str] = NOT_RUN) -> str | None:
    """Return why a command or a block is not run here; None: it is."""
    return next((reason for pattern, reason in patterns.items() if re.search(pattern, text)), None)


def with_stand_ins(text: str) -> str:
    """Return a text with what a test has in place of what a reader has."""
    for name, stand_in in STAND_INS.items():
        text = re.sub(rf"(?<![\w/]){re.escape(name)}(?!\d)", stand_in, text)
    return text


def arguments_of(line: str) -> list[str]:
    """Return the arguments of a call of the program, with few steps and small numbers."""
    words = deque(shlex.split(with_stand_ins(line), comments=True))
    assert words.popleft() == PROGRAM, f"neither run nor left out: {line}"
    short: list[str] = []
    while words:
        word = words.popleft()
        if word == "...":
            short += LEFT_OUT
            continue
        short.append(word)
        if word in SHORTER:
            former = [words.popleft() for _ in range(2 if word == "--size" else 1)]
            assert former, line
            short += SHORTER[word]
            if not SHORTER[word]:
                short.pop()
    verb = short[0]
    if verb in TRAINING:
        steps = {"--save_steps": "2"} if "--push_to_hub" in short else {}
        for name, value in (SHORT_RUN | steps).items():
            short += [] if name in short else [name, value]
    elif verb == "evaluate" and EXPORTED.search(line):
        # The model of the file ends before the scenes begin.
        short += ["--max_depth", "20"]
    elif verb == "predict" and not EXPORTED.search(line):
        # What engines of CPUs make of a model first takes a minute.
        short += ["--engine", "torch"]
    return short


def folder_made_by(words: list[str]) -> str | None:
    """Return the folder that a command fills, of those that refuse one which others have filled."""
    if words[0] == "render":
        return words[1]
    named = [flag for flag in ("--output_dir", "-o") if flag in words]
    return words[words.index(named[0]) + 1] if named and words[0] in (*TRAINING, "pseudo-label") else None
