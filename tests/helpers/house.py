# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The layout of the package in numbers: rooms, floors, arrows between rooms, circles, lengths of files.

python tests/helpers/house.py
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp


PACKAGE = "depth_anything_hf"
LONG_LINES = 400
"""A file with more lines than this is called long."""

LISTED_FILE = re.compile(r"^ *- `(?P<name>\w+)(?:\.py|/)?`: (?P<purpose>\S.*)", re.MULTILINE)

Arrows = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class House:
    """What `measure` found out about a package."""

    rooms: list[str]
    """Folders of modules, by their dotted names below the package."""
    lines: dict[str, int]
    """Lines of each file, by its path below the package."""
    room_arrows: dict[str, set[str]]
    """Which of the package's children (rooms, and modules outside rooms) each child imports."""
    module_arrows: dict[str, set[str]]
    """Which modules each module imports. Faces (`__init__`) are modules too."""

    @property
    def long_files(self) -> dict[str, int]:
        return {path: lines for path, lines in self.lines.items() if lines > LONG_LINES}

    @property
    def floors(self) -> list[list[str]]:
        """The package's children from the lowest floor to the highest; a floor imports only floors below.

        Raises:
            CycleError: If children import each other in a circle.
        """
        floor: dict[str, int] = {}
        for name in TopologicalSorter(self.room_arrows).static_order():
            floor[name] = max((floor[below] + 1 for below in self.room_arrows[name]), default=0)
        return [sorted(name for name in floor if floor[name] == number) for number in range(max(floor.values()) + 1)]


def measure(root: Path) -> House:
    """Read all files and imports of the package below `root`, imports for type checking included."""
    folder = root / PACKAGE
    files = sorted(folder.rglob("*.py"))
    sys.path.insert(0, str(root))
    try:
        graph = grimp.build_graph(PACKAGE, cache_dir=None)
    finally:
        sys.path.remove(str(root))
    # `python -m` of the package begins above all floors.
    modules = sorted(graph.modules - {PACKAGE, f"{PACKAGE}.__main__"})
    module_arrows = {name: graph.find_modules_directly_imported_by(name) - {PACKAGE} for name in modules}
    room_arrows: dict[str, set[str]] = {child_of(name): set() for name in modules}
    for importer, imported in module_arrows.items():
        room_arrows[child_of(importer)].update(map(child_of, imported))
    return House(
        rooms=[".".join(path.parent.relative_to(folder).parts) for path in files if is_room(path, folder)],
        lines={path.relative_to(folder).as_posix(): len(path.read_bytes().splitlines()) for path in files},
        room_arrows={name: below - {name} for name, below in room_arrows.items()},
        module_arrows=module_arrows,
    )


def is_room(path: Path, folder: Path) -> bool:
    return path.name == "__init__.py" and path.parent != folder


def child_of(module: str) -> str:
    """Return the package's child that `module` is or lies in: `metrics` for `depth_anything_hf.metrics.table`."""
    return module.split(".")[1]


def circle(arrows: Arrows) -> list[str]:
    """Return one circle of imports, its first name repeated at the end, or nothing if there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def unlisted_files(room: Path) -> list[str]:
    """Return what lies in a room but is not told by a line "- `name`: purpose" of its `__init__` docstring."""
    face = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    listed = {match["name"] for match in LISTED_FILE.finditer(ast.get_docstring(face) or "")}
    return sorted(contents_of(room) - listed)


def listed_but_absent(room: Path) -> list[str]:
    """Return the names that a room's `__init__` docstring lists although nothing of that name lies in the room."""
    face = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    listed = {match["name"] for match in LISTED_FILE.finditer(ast.get_docstring(face) or "")}
    return sorted(listed - contents_of(room) - {path.stem for path in room.iterdir()})


def contents_of(room: Path) -> set[str]:
    modules = {path.stem for path in room.glob("*.py")} - {"__init__", "__main__"}
    return modules | {path.parent.name for path in room.glob("*/__init__.py")}


def main() -> None:
    house = measure(Path(__file__).resolve().parents[2])
    print(f"{len(house.lines)} files in {len(house.rooms)} rooms")
    print(f"median length {statistics.median(house.lines.values()):.0f} lines, {sum(house.lines.values())} in all")
    print(f"{len(house.long_files)} files above {LONG_LINES} lines")
    for path, lines in sorted(house.long_files.items(), key=lambda item: -item[1]):
        print(f"    {lines:5d} {path}")
    arrows = sum(map(len, house.room_arrows.values()))
    print(f"{arrows} arrows between the {len(house.room_arrows)} rooms and modules of the package")
    for name in sorted(house.room_arrows):
        print(f"    {name:15s} -> {' '.join(sorted(house.room_arrows[name]))}")
    for kind, arrows in (("rooms", house.room_arrows), ("modules", house.module_arrows)):
        print(f"circle between {kind}: {' -> '.join(circle(arrows)) or 'none'}")
    if not circle(house.room_arrows):
        print(f"{len(house.floors)} floors")
        for number, names in reversed(list(enumerate(house.floors))):
            print(f"    {number} {' '.join(names)}")


if __name__ == "__main__":
    main()
