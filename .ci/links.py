# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Ask for every page of other servers that README, docs and docstrings link to, and name those that are not there.

python .ci/links.py                 # exit code 1 where a page is gone, 2 without a network
python .ci/links.py --list          # the addresses alone, with the first file of each
"""

from __future__ import annotations

import ast
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests


ROOT = Path(__file__).parents[1]
ADDRESS = re.compile(r"https?://[\w.-]+\.\w[^\s<>\"'`|\\]*")
# Names of formats, and what stands for an address of the reader's own.
NOT_PAGES = re.compile(
    r"https?://(ns\.|www\.w3\.org/(1999|2000)|(\w+\.)?example\.(org|com)|localhost|127\.|hub/|host/)"
)
SECONDS, AT_ONCE = 20, 8
# Servers that refuse programs say so in these words; the page is there.
REFUSALS = (401, 403, 405, 406, 418, 429)


def addresses(root: Path = ROOT) -> dict[str, Path]:
    """Return the addresses that readers are sent to, each with the first file that has it."""
    found: dict[str, Path] = {}
    papers = [*sorted(root.glob("*.md")), root / "CITATION.cff", root / "pyproject.toml", root / "mkdocs.yml"]
    for path in (*papers, *sorted((root / "docs").rglob("*.md")), *sorted((root / "depth_anything_hf").rglob("*.py"))):
        if path.is_file():
            for text in _texts(path):
                for address in ADDRESS.findall(text):
                    whole = _without_end_of_sentence(address)
                    if not NOT_PAGES.match(whole) and not set("{}*") & set(whole):
                        found.setdefault(whole, path.relative_to(root))
    return found


def _texts(path: Path) -> Iterable[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py" or "://" not in text:
        return [text]
    # Docstrings and other texts, such as the homepage of a dataset; parts of texts with fields are no addresses.
    tree = ast.parse(text)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in parts)
    return [node.value for node in constants if isinstance(node.value, str)]


def _without_end_of_sentence(address: str) -> str:
    address = address.rstrip(".,;:!?")
    for opening, closing in ("()", "[]"):
        while address.endswith(closing) and address.count(opening) < address.count(closing):
            address = address[:-1].rstrip(".,;:!?")
    return address


def problem_of(address: str) -> str | None:
    """Return why a page cannot be read, None if it can."""
    options: dict[str, Any] = {"timeout": SECONDS, "allow_redirects": True, "headers": {"User-Agent": "Mozilla/5.0"}}
    try:
        answer = requests.head(address, **options)
        if answer.status_code >= 400 and answer.status_code not in REFUSALS:
            # Some servers know no HEAD.
            with requests.get(address, stream=True, **options) as answer:
                pass
    except requests.RequestException as error:
        return f"{type(error).__name__}: {error}"
    is_there = answer.status_code < 400 or answer.status_code in REFUSALS
    return None if is_there else f"{answer.status_code} {answer.reason}"


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the addresses, ask for none")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the checkout")
    arguments = parser.parse_args()
    found = addresses(arguments.root)
    if arguments.list:
        print("\n".join(f"{address}  {path}" for address, path in sorted(found.items())))
        return 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        problems = list(pool.map(problem_of, found))
    if found and all(problem is not None and problem.startswith("Connect") for problem in problems):
        print(f"none of {len(found)} pages can be reached: is there a network? {problems[0]}")
        return 2
    gone = [(address, problem) for address, problem in zip(found, problems, strict=True) if problem is not None]
    for address, problem in gone:
        print(f"{found[address]}: {address}: {problem}")
    print(f"{len(found) - len(gone)} of {len(found)} pages are there")
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main())
