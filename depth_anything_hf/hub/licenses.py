# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Licenses: how strict they are, which one holds for a whole, and those of well-known weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .markdown import slug


# Identifiers of huggingface.co/docs/hub/repositories-licenses that weights and data come under, by what they ask for,
# the freest first. Another name is written as `other` with a `license_name`, which the Hub takes as well.
LICENSE_GROUPS = (
    "cc0-1.0 pddl unlicense",
    "mit isc bsd-2-clause bsd-3-clause apache-2.0 cc-by-3.0 cc-by-4.0 odc-by cdla-permissive-2.0",
    "mpl-2.0 lgpl-2.1 lgpl-3.0 odbl cc-by-sa-3.0 cc-by-sa-4.0",
    "gpl-2.0 gpl-3.0 agpl-3.0",
    "openrail openrail++ c-uda",
    "cc-by-nd-4.0",
    "cc-by-nc-3.0 cc-by-nc-4.0",
    "cc-by-nc-sa-3.0 cc-by-nc-sa-4.0",
    "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0",
)


STRICTNESS = {name: rank for rank, names in enumerate(LICENSE_GROUPS) for name in names.split()}


# Weights whose authors name one license for all of them.
PUBLISHED_LICENSES = {
    "facebook/dinov2-": "apache-2.0",
    "depth-anything/Depth-Anything-V2-Small": "apache-2.0",
    "depth-anything/Depth-Anything-V2-Base": "cc-by-nc-4.0",
    "depth-anything/Depth-Anything-V2-Large": "cc-by-nc-4.0",
}


class LicenseFinding(NamedTuple):
    """A license and how it was found; `name` is None where nobody can tell."""

    name: str | None
    reason: str


def strictest_license(parts: Iterable[tuple[str, str | None]]) -> LicenseFinding:
    """The strictest license of everything that went into something.

    Whether the license of a teacher or of images reaches a model that learned from them is not settled law; this is
    the cautious reading. Licenses are ordered by what they ask for: attribution, share-alike, copyleft, limits of
    use, no derivatives, no commercial use.

    Args:
        parts: (what it is, license identifier or name or None).

    Returns:
        The license and a sentence. Where a part's license is unknown, or not in the order, the name is None and the
        sentence names the part and the strictest of the others.
    """
    named = [(what, (license or "unknown").strip()) for what, license in parts]
    known = [license.lower() for _, license in named if license.lower() in STRICTNESS]
    listed = ", ".join(f"{what}: {license}" for what, license in named)
    strictest = max(known, key=STRICTNESS.__getitem__, default=None)
    others = [f"{what} ({license})" for what, license in named if license.lower() not in STRICTNESS]
    if not others and strictest is not None:
        return LicenseFinding(strictest, f"the strictest of its parts ({listed})")
    bound = f" It is at least as strict as {strictest}." if strictest is not None else ""
    return LicenseFinding(
        None, f"it depends on {', '.join(others) or 'parts that are not recorded'}, which nothing here settles.{bound}"
    )


def stricter_parts(license: str, parts: Iterable[tuple[str, str | None]]) -> list[str]:
    """The parts that are under a stricter license than the given one, in words."""
    rank = STRICTNESS.get(license.lower())
    return [
        f"{what}: {other}"
        for what, other in parts
        if rank is not None and other is not None and STRICTNESS.get(other.lower(), -1) > rank
    ]


def license_fields(license: str | None, has_license_file: bool) -> dict[str, Any]:
    """The metadata for a license; none for an unknown one."""
    if not license or license == "unknown":
        return {}
    if license.lower() in STRICTNESS:
        return {"license": license.lower()}
    fields = {"license": "other", "license_name": slug(license)}
    return fields | ({"license_link": "LICENSE"} if has_license_file else {})


def published_license(name: Any) -> str | None:
    """The license of well-known weights, by their Hub id."""
    text = str(name)
    return next((license for start, license in PUBLISHED_LICENSES.items() if text.startswith(start)), None)


CODE_LICENSE = "apache-2.0"
