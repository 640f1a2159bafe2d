# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the house: every module has a floor and imports only from floors below, and the README lists every file.

The rules, and why they are so:

- A module imports only from lower floors. A folder (`data/`, `cli/`) is one room: its modules may import each other.
- An import inside a function counts like one at the top: it is a dependency all the same.
- An import under `if TYPE_CHECKING` is not run, so it may also point to the module's own floor; never up.
- `depth_anything_hf/__init__.py` is the front door and stands above all floors. It opens rooms when asked; whoever is
  inside takes nothing from it but `__version__`.
- Also within a room nobody runs in circles.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest


ROOT = Path(__file__).parents[1]
PACKAGE = "depth_anything_hf"

FLOORS: list[set[str]] = [
    {"kernel_choice"},
    {
        "alignment",
        "checkpoints",
        "compilation",
        "cpu_kernels",
        "cpu_memory",
        "geometry",
        "run_guards",
        "run_state",
        "run_steps",
    },
    {
        "attention",
        "calibration",
        "configuration_depth_anything",
        "image_processing_depth_anything",
        "losses",
        "metrics",
    },
    {"packed_encoder"},
    {"boundary_metrics", "data", "metric_adapter", "modeling_depth_anything", "original_tensors", "protocols"},
    {"cards", "opening"},
    {
        "auto",
        "distributed",
        "evaluation_results",
        "inference",
        "lineage",
        "objectives",
        "optimization",
        "run_batches",
        "scoring",
        "visualization",
    },
    {
        "baselines",
        "conversion",
        "evaluation",
        "hub",
        "label_cards",
        "measured_points",
        "pseudo_labels",
        "repositories",
        "run_records",
    },
    {"publishing", "report", "run_engine", "run_evaluation", "run_watch", "training_arguments"},
    {"run_outputs"},
    {"training"},
    {"cli", "recipes"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

FRONT_DOOR = PACKAGE
OPEN_TO_ALL = {f"{FRONT_DOOR}.__version__"}

LISTED_FOLDERS = ["depth_anything_hf", "examples", "benchmarks"]
# Files without a purpose of their own to describe.
NOT_LISTED = {"__init__.py", "__main__.py", "py.typed"}


class Import(NamedTuple):
    importer: str  # dotted module name
    imported: str  # dotted module name, or `depth_anything_hf.name` for a name of the front door
    line: int
    for_types_only: bool


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Dotted name -> file of every module of the package."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    """`data` for `depth_anything_hf.data.mixture`; the empty string for the front door."""
    return (module.split(".") + [""])[1]


def is_type_checking(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
    return name == "TYPE_CHECKING"


def import_statements(node: ast.AST, for_types_only: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, for_types_only
        elif isinstance(child, ast.If) and is_type_checking(child.test):
            for statement in child.body:
                yield from import_statements(ast.Module([statement], []), True)
            for statement in child.orelse:
                yield from import_statements(ast.Module([statement], []), for_types_only)
        else:
            yield from import_statements(child, for_types_only)


def imports_of(module: str, source: str, known: dict[str, Path]) -> list[Import]:
    """Imports of this package's modules, relative and absolute, wherever they stand in the source."""
    is_package = module in known and known[module].name == "__init__.py"
    found = []
    for statement, for_types_only in import_statements(ast.parse(source)):
        if isinstance(statement, ast.Import):
            targets = [alias.name for alias in statement.names]
        else:
            assert isinstance(statement, ast.ImportFrom)
            origin = statement.module or ""
            if statement.level:
                # One dot is the module's own package, each further dot the one around it.
                parts = module.split(".")
                above = parts[: len(parts) + is_package - statement.level]
                origin = ".".join([*above, origin]) if origin else ".".join(above)
            names = [f"{origin}.{alias.name}" for alias in statement.names]
            targets = [name if name in known or origin == FRONT_DOOR else origin for name in names]
        for target in targets:
            if target == PACKAGE or target.startswith(f"{PACKAGE}."):
                found.append(Import(module, target, statement.lineno, for_types_only))
    return found


def fault_of(found: Import) -> str | None:
    """Why an import breaks the rules, or None."""
    importer, imported = room_of(found.importer), room_of(found.imported)
    if found.importer == FRONT_DOOR or found.imported in OPEN_TO_ALL:
        return None
    if imported not in FLOOR_OF:
        return f"imports {found.imported}, which is no room of the house; import the module that defines it"
    own, other = FLOOR_OF[importer], FLOOR_OF[imported]
    if other < own or importer == imported or (found.for_types_only and other == own):
        return None
    return f"on floor {own} imports {found.imported} on floor {other}"


def all_imports() -> list[Import]:
    known = modules()
    return [
        found
        for module, path in known.items()
        if module == FRONT_DOOR or room_of(module) in FLOOR_OF
        for found in imports_of(module, path.read_text(encoding="utf-8"), known)
    ]


def test_every_module_has_a_floor() -> None:
    rooms = {room_of(module) for module in modules()} - {""}
    assert rooms - FLOOR_OF.keys() == set(), "new modules: give each a floor in FLOORS"
    assert FLOOR_OF.keys() - rooms == set(), "modules that are gone: take them out of FLOORS"
    assert len(FLOOR_OF) == sum(len(rooms) for rooms in FLOORS), "a module stands on two floors"


def test_modules_import_only_from_floors_below() -> None:
    faults = []
    for found in all_imports():
        fault = fault_of(found)
        if fault:
            faults.append(f"{modules()[found.importer].relative_to(ROOT)}:{found.line}: {found.importer} {fault}")
    assert not faults, "\n" + "\n".join(faults)


def test_no_module_needs_itself() -> None:
    needs: dict[str, set[str]] = {}
    for found in all_imports():
        if not found.for_types_only and found.imported not in OPEN_TO_ALL:
            needs.setdefault(found.importer, set()).add(found.imported)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(f"modules that import in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(
    ("importer", "source", "allowed"),
    [
        ("losses", "from .geometry import depth_to_disparity", True),
        ("losses", "from depth_anything_hf.geometry.camera import depth_to_disparity", True),
        ("losses", "import torch\nfrom typing import Any", True),
        ("losses", "from .metrics import METRICS", False),
        ("losses", "from . import metrics", False),
        ("losses", "import depth_anything_hf.training.trainer", False),
        ("losses", "def late() -> None:\n    from .inference import DepthPredictor", False),
        ("losses", "try:\n    from .hub import is_hub_id\nexcept ImportError:\n    pass", False),
        ("losses", "if TYPE_CHECKING:\n    from .metrics import Metric", True),
        ("losses", "if TYPE_CHECKING:\n    pass\nelse:\n    from .metrics import Metric", False),
        ("losses", "if typing.TYPE_CHECKING:\n    from .training import fit", False),
        ("hub", "from . import __version__", True),
        ("hub", "from depth_anything_hf import __version__", True),
        ("hub", "from depth_anything_hf import fit", False),
        ("hub", "import depth_anything_hf", False),
        ("hub", "from . import __version__, evaluation", False),
        ("data.mixing", "from .datasets import Sample", True),
        ("data.mixing", "from ..geometry import depth_to_disparity", True),
        ("data.mixing", "from ..modeling_depth_anything import DepthAnythingOutput", False),
        ("data.mixing", "from depth_anything_hf.data import transforms as t", True),
        ("data", "from .mixing import Mixture", True),
        ("data", "from ..inference import Prediction", False),
        ("", "from .training import fit", True),
    ],
)
def test_the_rules_see_what_they_should(importer: str, source: str, allowed: bool) -> None:
    module = f"{PACKAGE}.{importer}".rstrip(".")
    faults = [fault for found in imports_of(module, source, modules()) if (fault := fault_of(found))]
    assert (not faults) is allowed, faults


def listed_files() -> list[Path]:
    files = [path for folder in LISTED_FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.is_file()]
    # The results of the benchmarks are one line together.
    return [path for path in files if path.name not in NOT_LISTED and not {"__pycache__", "results"} & {*path.parts}]


def test_the_readme_lists_every_file() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [
        str(path.relative_to(ROOT))
        for path in listed_files()
        if not re.search(rf"(?<![\w.-]){re.escape(path.name)}(?![\w-])", readme)
    ]
    assert not missing, f"README.md does not list {missing}"
