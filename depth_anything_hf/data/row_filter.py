# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is left out of a source: the counts, and a test for the rows of a stream, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..utils.image_names import Naming
from ..utils.messages import counted
from .drop_list import DropList


NAME, SOURCE_ROW, FIT_OK = "name", "source_row", "fit_ok"


@dataclass(frozen=True)
class LeftOut:
    """What is left out of a source.

    Attributes:
        dropped: rows in the list; None where a stream tells only when it has been read.
        bad_fits: rows whose fit is marked as bad, without those in the list; None likewise.
        total: rows of the source; None likewise.
        drop_sha256: digest of the list; None without.
    """

    dropped: int | None
    bad_fits: int | None
    total: int | None
    drop_sha256: str | None = None

    def __str__(self) -> str:
        """Return the counts in words, "" where nothing is left out."""
        if self.dropped is None:
            return "rows of a list to drop"
        parts = [counted(self.dropped, "row") + " of a list to drop"] if self.dropped else []
        parts += [f"{counted(self.bad_fits, 'row')} with a bad fit of the two teachers"] if self.bad_fits else []
        return " and ".join(parts)

    def record(self) -> dict[str, Any]:
        """Return what must not change on a resume."""
        return {"dropped": self.dropped, "bad_fits": self.bad_fits, "drop_sha256": self.drop_sha256}


class RowFilter:
    """Tells rows of a stream that are left out, one after the other.

    Args:
        drop: list of rows to leave out.
        keep_bad_fits: keep rows whose fit is marked as bad.
        naming: how names in the list are spelled.
    """

    def __init__(self, drop: DropList | None, keep_bad_fits: bool, naming: Naming) -> None:
        self._drop, self._keep_bad_fits, self._naming = drop, keep_bad_fits, naming

    def keeps(self, row: Mapping[str, Any], name: str) -> bool:
        """Return whether a row is used.

        Args:
            row: its cells.
            name: as its sample has it.
        """
        if not self._keep_bad_fits and row.get(FIT_OK) is False:
            return False
        return self._drop is None or not self._drop.holds(spellings(name, self._naming), row.get(SOURCE_ROW))


def spellings(name: Any, naming: Naming) -> tuple[str, ...]:
    """Return how a list may spell a name: as it is, and relative to the root of its source."""
    text = str(name)
    if naming.keeps(text):
        return (text,)
    relative = naming.name(text)
    return (text,) if relative == text else (text, relative)


__all__ = ["FIT_OK", "NAME", "SOURCE_ROW", "LeftOut", "RowFilter", "spellings"]
