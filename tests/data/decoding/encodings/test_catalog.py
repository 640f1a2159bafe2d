# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of encodings: every row is complete, has one name, and a test that reads its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depth_anything_hf.data.decoding.encodings import catalog
from depth_anything_hf.data.decoding.encodings.catalog import ALIASES, ENCODINGS, FAMILIES, find_encoding
from depth_anything_hf.utils.option_errors import OptionError


HERE = Path(__file__).parent
PAGE = HERE.parents[3] / "docs" / "formats.md"


def test_names_are_unique_and_rows_complete() -> None:
    assert len(ENCODINGS) == sum(len(family.ENCODINGS) for family in FAMILIES)
    assert not set(ALIASES) & set(ENCODINGS) and set(ALIASES.values()) <= set(ENCODINGS)
    for record in catalog.describe_encodings():
        assert all(record[key] for key in record if key != "aliases"), record["name"]
        assert record["options"]["min_confidence"]
    names = [option.name for each in ENCODINGS.values() for option in each.options]
    assert len(names) == sum(len({option.name for option in each.options}) for each in ENCODINGS.values())


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_is_read_by_a_test(name: str) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py") if path != Path(__file__))
    called = [name, *(alias for alias, other in ALIASES.items() if other == name)]
    assert any(f'"{each}"' in text or f'"{each}:' in text for each in called)


def test_the_page_has_the_table() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    rows = [line for line in lines if line.count("|") == 9]
    assert rows == [row_of(record) for record in catalog.describe_encodings()]


def row_of(record: dict[str, Any]) -> str:
    told = (record["writers"], record["files"], record["unit"], record["missing"])
    by = "content" if record["detected"].startswith("by") else "name"
    last = (f"{record['kind']}, {record['geometry']}", by, ENCODINGS[record["name"]].verified)
    return f"| `{record['name']}` | {' | '.join((*told, *last))} |"


def test_names_are_found_however_they_are_written() -> None:
    assert find_encoding("TUM").name == "tum"
    assert find_encoding("tartanair-v2").name == "tartanair_rgba"
    assert find_encoding("scannet") is find_encoding("mm")
    with pytest.raises(OptionError, match=r"encoding must be one of \['mm', .* did you mean 'sunrgbd'"):
        find_encoding("sunrgb")
