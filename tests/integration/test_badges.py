# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the badges of the README say is what pyproject.toml says."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest


ROOT = Path(__file__).parents[2]
BADGES = re.compile(r"\[!\[([^\]]+)\]\(https://img\.shields\.io/badge/([^)]+)\)\]\(([^)#]+)[^)]*\)")


def read_badges() -> dict[str, tuple[str, str, str]]:
    found = {}
    for alt, words, link in BADGES.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        name, value, _ = (unquote(word).replace("~", "-") for word in words.replace("--", "~").split("-"))
        found[name] = (value, alt, link)
    return found


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("license", r'^license = "(.+)"$'),
        ("python", r'^requires-python = ">=(.+)"$'),
        ("transformers", r'^ *"transformers>=(\d+\.\d+)\.\d+",$'),
    ],
)
def test_a_badge_says_what_is_declared(name: str, declared: str) -> None:
    value, alt, _ = read_badges()[name]
    matches = re.findall(declared, (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert [value.removesuffix("+")] == matches
    assert matches[0] in alt


def test_badges_lead_to_what_is_there() -> None:
    badges = read_badges()
    assert len(badges) == 4
    assert all((ROOT / link).is_file() for _, _, link in badges.values())
