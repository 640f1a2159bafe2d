# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The layout of the package: floors, circles, long files, faces that list their room, and the import contract."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house import House, circle, listed_but_absent, measure, unlisted_files


ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "depth_anything_hf"
ROOMS = sorted(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)

MOST_FLOORS = 9
MOST_LONG_FILES = 5


@pytest.fixture(scope="module")
def house() -> House:
    return measure(ROOT)


def test_there_are_few_floors_and_no_circle_between_rooms(house):
    assert circle(house.room_arrows) == []
    assert len(house.floors) <= MOST_FLOORS


def test_no_modules_import_each_other_in_a_circle(house):
    assert circle(house.module_arrows) == []


def test_few_files_are_long(house):
    assert len(house.long_files) <= MOST_LONG_FILES, house.long_files


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.relative_to(PACKAGE).as_posix())
def test_the_face_of_a_room_says_what_each_of_its_files_is_for(room):
    assert unlisted_files(room) == []
    assert listed_but_absent(room) == []


def test_every_room_has_a_line_on_the_map_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [room.name for room in ROOMS if room.parent == PACKAGE and f"`{room.name}/`" not in readme] == []


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the import contract of pyproject.toml on the package in `root`."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo", "pyproject.toml"],
        cwd=root,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


def copy_package(root: Path) -> None:
    shutil.copytree(PACKAGE, root / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)


def test_the_import_contract_holds():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


FLOORS = "Rooms import only rooms on floors below"


# One check of all of them takes as long as one of each.
WRONG = [
    ("data/transforms.py", "import depth_anything_hf.models.loading", FLOORS),
    ("models/loading.py", "from ..data import datasets", FLOORS),
    ("metrics/depth.py", "from ..training import trainer", FLOORS),
    ("pseudo_labels/shards.py", "from ..training import trainer", FLOORS),
    ("utils/files.py", "def later():\n    from ..cli import main", FLOORS),
    ("geometry/camera.py", "if TYPE_CHECKING:\n    from ..data import datasets", FLOORS),
    ("cpu/autotune.py", "from . import kernels", "Neither rooms nor their files import each other in a circle"),
    ("training/trainer.py", "from .. import fit", "Rooms do not import the package's public names"),
    ("hub/licenses.py", "from ..metrics import depth", "The Hub's cards know the names of metrics"),
    ("inference/calibration.py", "from datasets import Dataset", "Inference knows models"),
]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each broken contract where all of the wrong imports stand."""
    root = tmp_path_factory.mktemp("wrong")
    copy_package(root)
    for importer, line, _ in WRONG:
        path = root / PACKAGE.name / importer
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\nfrom typing import TYPE_CHECKING\n{line}\n", encoding="utf-8")
    done = lint_imports(root)
    assert done.returncode == 1
    broken = re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)
    # Each is explained below a heading that is its name.
    parts = re.split(r"^(.+)\n-+\n", done.stdout, flags=re.MULTILINE)
    return {name: text for name, text in zip(parts[1::2], parts[2::2], strict=True) if name in broken}


@pytest.mark.parametrize(("importer", "line", "contract"), WRONG, ids=lambda value: value.rsplit("\n", 1)[-1].strip())
def test_the_contract_finds_a_wrong_import(findings, importer, line, contract):
    (text,) = (text for name, text in findings.items() if name.startswith(contract))
    assert f".{Path(importer).stem} " in text, text


def test_the_contract_finds_a_room_without_a_floor(tmp_path):
    copy_package(tmp_path)
    (tmp_path / PACKAGE.name / "annex").mkdir()
    (tmp_path / PACKAGE.name / "annex" / "__init__.py").touch()
    done = lint_imports(tmp_path)
    assert done.returncode == 1 and "annex" in done.stdout
