# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
r"""Lists of rows that training leaves out: text for people, JSON lines for programs.

A row is told by its name and its `source_row`, which neither a resumed run nor other shards change. A line of text is
`name` or `name<TAB>source_row`; without a row number all rows of that name are meant. Empty lines and lines that begin
with `#` are comments. A name that cannot stand so (it begins with `#` or `"`, holds a tab, or ends in white space) is
a JSON string. In a file that ends in `.jsonl` each line is an object with "name" and perhaps "source_row"; other keys
are for readers.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..utils.files import atomic_write
from ..utils.messages import counted
from ..utils.paths import local_path


JSON_LINES = ".jsonl"
NAMED_EXAMPLES = 3
_MUST_BE_QUOTED = ("#", '"')


class DroppedRow(NamedTuple):
    """A row of a list: its name, and its row in the source; None means every row of that name."""

    name: str
    source_row: int | None = None


class DropList:
    """A list of rows to leave out, held as sorted digests: 12 bytes a row, also for lists of millions.

    Two of a million listed and sixty million other names share a digest with a probability of 3e-6.

    Args:
        path: a list as `write_drop_list` writes it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line that is no row; the message names file and line.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = local_path(path)
        rows = np.fromiter(
            ((_digest(*row), _checksum(row.name)) for row in read_drop_list(self.path)),
            dtype=[("digest", np.uint64), ("name", np.uint32)],
        )
        self._digests = np.unique(rows["digest"])
        # Most rows are not in the list, and are told by a sum that takes a tenth of the time.
        self._checksums = np.unique(rows["name"])

    def __len__(self) -> int:
        """Return the number of rows in the list, each counted once."""
        return len(self._digests)

    @property
    def sha256(self) -> str:
        """Digest of what the list says, whatever the order of its lines, its format and its comments."""
        return hashlib.sha256(self._digests.astype("<u8").tobytes()).hexdigest()

    def find(self, names: Sequence[Sequence[str]], source_rows: Sequence[int | None]) -> tuple[np.ndarray, np.ndarray]:
        """Look rows up.

        Args:
            names: for each row, the spellings of its name.
            source_rows: for each row, its row in the source; None where it has none.

        Returns:
            bool (rows,), which are in the list; and bool (len(self),), which entries of the list they are.
        """
        wanted, owners = [], []
        for position in self._candidates(names):
            row = source_rows[position]
            for name in names[position]:
                keys = [_digest(name, None)] + ([] if row is None else [_digest(name, row)])
                wanted += keys
                owners += [position] * len(keys)
        is_listed = np.zeros(len(names), dtype=bool)
        is_used = np.zeros(len(self._digests), dtype=bool)
        if wanted and len(self._digests):
            keys_array = np.asarray(wanted, dtype=np.uint64)
            places = np.searchsorted(self._digests, keys_array).clip(max=len(self._digests) - 1)
            hits = self._digests[places] == keys_array
            is_used[places[hits]] = True
            is_listed[np.asarray(owners)[hits]] = True
        return is_listed, is_used

    def _candidates(self, names: Sequence[Sequence[str]]) -> list[int]:
        """Return the positions of all rows that may be in the list."""
        counts = np.fromiter(map(len, names), dtype=np.int64, count=len(names))
        sums = np.fromiter((_checksum(name) for spellings in names for name in spellings), dtype=np.uint32)
        found: list[int] = np.unique(np.repeat(np.arange(len(names)), counts)[np.isin(sums, self._checksums)]).tolist()
        return found

    def holds(self, spellings: Sequence[str], source_row: int | None) -> bool:
        """Tell whether a row is in the list, by the spellings of its name and its row in the source."""
        return bool(self.find([spellings], [source_row])[0][0])

    def unused(self, is_used: np.ndarray) -> str:
        """Describe the entries that were not found, "" if there is none: their number and the first names.

        Args:
            is_used: as `find` returns it, of all rows together.
        """
        missing = int((~is_used).sum())
        if not missing:
            return ""
        found: list[str] = []
        for row in read_drop_list(self.path):
            place = int(np.searchsorted(self._digests, np.uint64(_digest(*row))))
            if not is_used[place]:
                found.append(row.name if row.source_row is None else f"{row.name} (row {row.source_row})")
            if len(found) == NAMED_EXAMPLES:
                break
        return f"{counted(missing, 'entry', 'entries')} of {self.path}, such as {', '.join(found)}"


def read_drop_list(path: str | os.PathLike[str]) -> Iterator[DroppedRow]:
    """Yield the rows of a list, in its order.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line that is no row; the message names file and line.
    """
    path = local_path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected a list of rows to leave out, as `depth-anything-hf review` writes it; there is no such "
            "file"
        )
    with path.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                text = line.rstrip("\r\n")
                if not text.strip() or text.lstrip().startswith("#"):
                    continue
                yield _parse(text, path, number)
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: expected a list of rows in UTF-8: {error}") from error


def write_drop_list(
    path: Path, rows: Sequence[DroppedRow], comments: Sequence[str] = (), after: Sequence[str] = ()
) -> None:
    """Write a list as text, between comments.

    Args:
        path: of the file, which is replaced.
        rows: in the order to write.
        comments: lines above the rows, without the `# `.
        after: lines below them, without the `#`.
    """
    lines = [f"# {comment}".rstrip() for comment in comments] + [text_of_row(row) for row in rows]
    lines += [f"#{comment}" for comment in after]
    atomic_write(path, "".join(f"{line}\n" for line in lines))


def text_of_row(row: DroppedRow) -> str:
    """Return the line of a row in a list of text."""
    name = row.name
    is_plain = name.isprintable() and name == name.strip() and name and not name.startswith(_MUST_BE_QUOTED)
    name = name if is_plain else json.dumps(name)
    return name if row.source_row is None else f"{name}\t{row.source_row}"


def _parse(text: str, path: Path, number: int) -> DroppedRow:
    try:
        return _parse_json(json.loads(text)) if path.suffix == JSON_LINES else _parse_text(text)
    except (ValueError, TypeError) as error:
        expected = '{"name": ..., "source_row": ...}' if path.suffix == JSON_LINES else "name or name<TAB>source_row"
        raise ValueError(f"{path}, line {number}: expected {expected}, got {text[:80]!r}: {error}") from error


def _parse_json(entry: object) -> DroppedRow:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ValueError("no object with a name")
    row = entry.get("source_row")
    if row is not None and (isinstance(row, bool) or not isinstance(row, int)):
        raise ValueError(f"source_row is {row!r}, no whole number")
    return DroppedRow(entry["name"], row)


def _parse_text(text: str) -> DroppedRow:
    name, tab, row = text.rpartition("\t") if "\t" in text else (text, "", "")
    name = name.strip()
    if name.startswith('"'):
        name = json.loads(name)
    return DroppedRow(name, int(row) if tab else None)


def _checksum(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))


def _digest(name: str, source_row: int | None) -> int:
    key = name if source_row is None else f"{name}\0{source_row}"
    content = key.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


__all__ = ["DropList", "DroppedRow", "read_drop_list", "text_of_row", "write_drop_list"]
