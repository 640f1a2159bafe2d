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
BLOCK = re.compile(r"^```(?P<language>\w+)(?P<title>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')

# What is not run, by a pattern of the line, and why.
NOT_RUN = {
    r"^(make|pip|git|cd|pre-commit|for|done|sbatch) |^done$": "sets up, or another program",
    r"^python (benchmarks|examples|docs)/": "its own tests run it",
    r"^srun |--num_machines|--scheduler ray": "needs several machines",
    r" \.\.\.": "leaves arguments out",
    r"--protocol|datasets hypersim --root": "needs a public dataset",
    r"push-labels|--push_to_hub|push-demo": "needs the Hub",
    r"-hf demo": "runs until it is stopped",
    r"camera:0": "needs a camera",
    r"render clip|--video clip/": "tests of clips render some",
    r" export |\.(onnx|xml)\b": "takes half a minute each; tests of exports do it",
    r"scores/nyu": "needs a public dataset",
}
PYTHON_NOT_RUN = {
    r"open_public|open_protocol": "needs a public dataset",
    r"Publisher": "needs the Hub",
    r"onnxruntime|openvino": "needs an exported file",
    r"first_result|disparity_1": "goes on with maps and scores of the reader's own",
    r"ACCELERATE|EarlyStoppingCallback": "a test of its own runs it and looks at what comes",
}
# Large numbers of the docs, and what is taken in their place; without any, the flag is left out.
SHORTER: dict[str, list[str]] = {
    "--num_processes": [],
    "--accelerate_config": [],
    "--processes": ["1"],
    "--count": ["2"],
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
    """Return the commands of a shell block, those of several lines joined, without comments."""
    joined = block.text.replace("\\\n", " ").splitlines()
    return [line for line in (" ".join(shlex.split(line, comments=True)) and line.strip() for line in joined) if line]


def reason_not_to_run(text: str, patterns: dict[str, str] = NOT_RUN) -> str | None:
    """Return why a command or a block is not run here; None: it is."""
    return next((reason for pattern, reason in patterns.items() if re.search(pattern, text)), None)


def arguments_of(line: str) -> list[str]:
    """Return the arguments of a call of the program, with few steps and small numbers."""
    words = deque(shlex.split(line, comments=True))
    assert words.popleft() == PROGRAM, f"neither run nor left out: {line}"
    short: list[str] = []
    while words:
        word = words.popleft()
        short.append(word)
        if word in SHORTER:
            former = [words.popleft() for _ in range(2 if word == "--size" else 1)]
            assert former, line
            short += SHORTER[word]
            if not SHORTER[word]:
                short.pop()
    verb = short[0]
    if verb in TRAINING:
        for name, value in SHORT_RUN.items():
            short += [] if name in short else [name, value]
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
