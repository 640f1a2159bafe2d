# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Print the minimum versions that pyproject.toml names, as constraints of pip: "numpy==1.26.0" for "numpy>=1.26.0".

python .ci/minimum.py [EXCEPT ...]
"""

from __future__ import annotations

import re
import sys
from itertools import chain
from pathlib import Path


try:
    import tomllib
except ImportError:  # Python 3.10
    from pip._vendor import tomli as tomllib


REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?>=(?P<version>[\w.]+)(?:; [^;]+)?")
OWN_EXTRA = re.compile(r"depth_anything_hf\[[\w,]+\]")


def minimum_versions(pyproject: Path, without: list[str]) -> list[str]:
    """Return "name==version" for every requirement of a pyproject.toml, those of all extras included.

    Raises:
        ValueError: A requirement has no minimum, e.g. "numpy" or "numpy==2.0".
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    pins = []
    for requirement in requirements:
        if OWN_EXTRA.fullmatch(requirement):
            continue
        match = REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{pyproject}: expected NAME>=VERSION, got {requirement!r}")
        if match["name"] not in without:
            pins.append(f"{match['name']}=={match['version']}")
    return pins


if __name__ == "__main__":
    print("\n".join(minimum_versions(Path(__file__).parents[1] / "pyproject.toml", without=sys.argv[1:])))
