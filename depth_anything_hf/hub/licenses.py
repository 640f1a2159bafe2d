# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Licenses: ordered by what they ask for, those of well-known weights, and which one a model or dataset comes under.

Whether the license of a teacher or of images reaches a model that learned from them is not settled law; what is said
here is the cautious reading, not legal advice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..utils.redaction import redact_name
from .lineage import DATA_PARTS, LICENSED_PARTS, RANDOM_WEIGHTS, has_own_license, origins
from .markdown import name_and_license_entries, slug


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

# Of this package, whose code runs in every model.
CODE_LICENSE = "apache-2.0"
# By size, from the README of Depth Anything V2; it covers the relative models.
DEPTH_ANYTHING_V2_LICENSES = {
    "small": "apache-2.0",
    "base": "cc-by-nc-4.0",
    "large": "cc-by-nc-4.0",
    "giant": "cc-by-nc-4.0",
}
# Weights whose authors name one license for all of them, by the start of their Hub ids.
PUBLISHED_LICENSES = {
    "facebook/dinov2-": "apache-2.0",
    **{
        f"depth-anything/Depth-Anything-V2-{size.capitalize()}": license
        for size, license in DEPTH_ANYTHING_V2_LICENSES.items()
    },
}


class LicenseFinding(NamedTuple):
    """A license and the reason for it, in sentences; `name` is None where it cannot be determined."""

    name: str | None
    reason: str

    def sentences(self, subject: str) -> str:
        """Return what a card says: "License of this model: mit. The strictest of its parts (...)."."""
        return f"License of {subject}: {self.name or 'unknown'}. {self.reason}"


def strictest_license(parts: Iterable[tuple[str, str | None]]) -> LicenseFinding:
    """Return the strictest license of everything that went into something.

    Licenses are ordered by what they ask for: attribution, share-alike, copyleft, limits of use, no derivatives, no
    commercial use.

    Args:
        parts: (what it is, license identifier or name or None).

    Returns:
        The license and the reason. Where a part's license is unknown, or not in the order, the name is None and the
        reason names the part and the strictest of the others.
    """
    named = [(what, (license or "unknown").strip()) for what, license in parts]
    known = [license.lower() for _, license in named if license.lower() in STRICTNESS]
    strictest = max(known, key=STRICTNESS.__getitem__, default=None)
    others = [f"{what} ({license})" for what, license in named if license.lower() not in STRICTNESS]
    if not others and strictest is not None:
        listed = ", ".join(f"{what}: {license}" for what, license in named)
        return LicenseFinding(strictest, f"The strictest of its parts ({listed}).")
    bound = f" It is at least as strict as {strictest}." if strictest is not None else ""
    unknown = ", ".join(others) or "parts that are not recorded"
    return LicenseFinding(None, f"It depends on {unknown}, whose license is not known here.{bound}")


def stricter_parts(license: str, parts: Iterable[tuple[str, str | None]]) -> list[str]:
    """Return the parts that are under a stricter license than the given one, each as "what: license"."""
    rank = STRICTNESS.get(license.lower())
    return [
        f"{what}: {other}"
        for what, other in parts
        if rank is not None and other is not None and STRICTNESS.get(other.lower(), -1) > rank
    ]


def license_fields(license: str | None, has_license_file: bool) -> dict[str, Any]:
    """Return a card's metadata for a license; none for an unknown one."""
    if not license or license == "unknown":
        return {}
    if license.lower() in STRICTNESS:
        return {"license": license.lower()}
    fields = {"license": "other", "license_name": slug(license)}
    return fields | ({"license_link": "LICENSE"} if has_license_file else {})


def published_license(name: Any) -> str | None:
    """Return the license of well-known weights, by their Hub id; None for others."""
    text = str(name)
    return next((license for start, license in PUBLISHED_LICENSES.items() if text.startswith(start)), None)


def add_published_licenses(lineage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lineage in which well-known weights have their license, where none is given."""
    known: dict[str, Any] = {}
    for part in LICENSED_PARTS:
        if lineage.get(part) is None or lineage.get(f"{part}_license"):
            continue
        licenses = [published_license(name) for name, _, _ in origins(lineage, part)]
        if any(licenses):
            known[f"{part}_license"] = licenses if isinstance(lineage[part], list | tuple) else licenses[0]
    return {**lineage, **known}


def model_license(given: str | None, lineage: Mapping[str, Any]) -> LicenseFinding:
    """Return the license of a model.

    Args:
        given: by its author: an identifier, a name, or "unknown"; None takes the strictest of the model's parts.
        lineage: of the model, as for `hub.model_card.write_model_card`.
    """
    parts: list[tuple[str, str | None]] = [("code", CODE_LICENSE)]
    for part in LICENSED_PARTS:
        named = [origin for origin in origins(lineage, part) if origin[0] not in (None, RANDOM_WEIGHTS)]
        for name, own_license, _ in named:
            what = part.replace("_", " ")
            parts.append((what if len(named) == 1 else f"{what} {redact_name(name)}", own_license))
    parts += [
        (f"{part} {redact_name(entry['name'])}", entry.get("license"))
        for part in DATA_PARTS
        for entry in name_and_license_entries(lineage.get(part))
        if part == "data" or has_own_license(entry, lineage)
    ]
    if given == "unknown" or (given is None and len(parts) == 1):
        advice = "The licenses of the encoder, the teacher and the data apply; settle it before you publish the model."
        return LicenseFinding(None, advice)
    if given is None:
        name, reason = strictest_license(parts)
        return LicenseFinding(name, reason if name else f"{reason} Settle it before you publish the model.")
    stricter = stricter_parts(given, parts)
    if stricter:
        terms = f"As stated by its author, although parts of it are under stricter terms ({', '.join(stricter)})."
        return LicenseFinding(given, terms)
    limits = "The licenses of the encoder, the teacher and the data above may limit its use further."
    return LicenseFinding(given, limits)


def original_license(size: str | None, *, is_metric: bool, feature_layers: str) -> LicenseFinding:
    """Return the license of the authors' checkpoint that a file may be, by what is known of it.

    Args:
        size: the published size that its tensors have, or None.
        is_metric: whether it predicts metres.
        feature_layers: "v2" for Depth Anything V2, as for `conversion.original.convert_original`.
    """
    if is_metric:
        return LicenseFinding(None, "not stated by the authors for their metric models")
    if size is None or feature_layers != "v2":
        return LicenseFinding(None, "unknown")
    name = DEPTH_ANYTHING_V2_LICENSES[size]
    return LicenseFinding(name, f"{name}, if this is the authors' release of Depth Anything V2 ({size})")
