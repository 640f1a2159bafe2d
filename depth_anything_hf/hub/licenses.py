# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Licenses: what they oblige to, those of well-known weights, and which one a model or dataset comes under.

Whether the license of a teacher or of images reaches a model that learned from them is not settled law; what is said
here is the cautious reading, not legal advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import RepoCard

from ..utils.redaction import redact_name
from .lineage import DATA_PARTS, LICENSED_PARTS, RANDOM_WEIGHTS, has_own_license, origins
from .markdown import name_and_license_entries, slug


# Identifiers of huggingface.co/docs/hub/repositories-licenses that weights and data come under, and their obligations:
# attribution (by), the same license for what is derived (sa), no commercial use (nc), no derivatives (nd), limits of
# use of their own. Another name is written as `other` with a `license_name`, which the Hub takes as well.
OBLIGATIONS: dict[str, frozenset[str]] = {
    name: frozenset(obligations.split())
    for names, obligations in (
        ("cc0-1.0 pddl unlicense wtfpl", ""),
        ("mit isc bsd bsd-2-clause bsd-3-clause apache-2.0 bsl-1.0 zlib ncsa postgresql", "by"),
        ("cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 odc-by cdla-permissive-1.0 cdla-permissive-2.0 etalab-2.0", "by"),
        ("cc-by-sa-3.0 cc-by-sa-4.0 odbl cdla-sharing-1.0", "by sa"),
        ("mpl-2.0 lgpl-2.1 lgpl-3.0 gpl-2.0 gpl-3.0 agpl-3.0", "by sa"),
        ("openrail", "by openrail"),
        ("openrail++", "by openrail++"),
        ("c-uda", "by c-uda"),
        ("cc-by-nd-4.0", "by nd"),
        ("cc-by-nc-4.0 cc-by-nc-3.0 cc-by-nc-2.0", "by nc"),
        ("cc-by-nc-sa-4.0 cc-by-nc-sa-3.0 cc-by-nc-sa-2.0", "by nc sa"),
        ("cc-by-nc-nd-4.0 cc-by-nc-nd-3.0", "by nc nd"),
    )
    for name in names.split()
}
# What a work derived from one under a reciprocal license may come under besides that license itself: later versions
# with the same elements (section 4b of Creative Commons 3.0 and 2.0), creativecommons.org/compatiblelicenses, the
# secondary licenses of MPL 2.0 (sections 1.12 and 3.3), section 3 of LGPL 2.1, section 13 of GPL 3.0, whose terms
# those of LGPL 3.0 are.
ALSO_ACCEPTED = {
    "cc-by-sa-3.0": ("cc-by-sa-4.0",),
    "cc-by-sa-4.0": ("gpl-3.0",),
    "cc-by-nc-sa-2.0": ("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
    "cc-by-nc-sa-3.0": ("cc-by-nc-sa-4.0",),
    "mpl-2.0": ("lgpl-2.1", "lgpl-3.0", "gpl-2.0", "gpl-3.0", "agpl-3.0"),
    "lgpl-2.1": ("gpl-2.0", "gpl-3.0"),
    "lgpl-3.0": ("gpl-3.0", "agpl-3.0"),
    "gpl-3.0": ("agpl-3.0",),
}
# Reciprocal licenses allow no terms beside their own, so that obligations alone do not tell what they may follow:
# software licenses let what is derived come under other terms (Apache 2.0 by its section 4). GPL and LGPL follow what
# gnu.org/licenses/license-list calls compatible, which Apache 2.0 is with version 3 alone, and CC BY in its version
# 4.0 alone. Creative Commons follow by the adapter's license chart of creativecommons.org/faq. What is not known is
# missing.
_SOFTWARE = "mit isc bsd-2-clause bsd-3-clause bsl-1.0 zlib ncsa"
_CC_BY = "cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0"
MAY_FOLLOW: dict[str, frozenset[str]] = {
    name: frozenset(followed.split())
    for names, followed in (
        ("gpl-2.0 lgpl-2.1", f"{_SOFTWARE} cc-by-4.0"),
        ("gpl-3.0 lgpl-3.0 agpl-3.0", f"{_SOFTWARE} cc-by-4.0 apache-2.0"),
        ("mpl-2.0 odbl cdla-sharing-1.0", f"{_SOFTWARE} apache-2.0"),
        ("cc-by-sa-3.0 cc-by-sa-4.0", f"{_SOFTWARE} apache-2.0 {_CC_BY}"),
        (
            "cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0",
            f"{_SOFTWARE} apache-2.0 {_CC_BY} cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0",
        ),
    )
    for name in names.split()
}
OBLIGATION_WORDS = {
    "by": "attribution",
    "sa": "the same license for what is derived from it",
    "nc": "no commercial use",
}

# Words that change nothing in the name of a license.
_FILLERS = frozenset(
    ("the", "gnu", "license", "licence", "version", "v", "public", "international", "universal", "unported", "deed")
)
_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/([\d.]+)(?:/.*)?"
)
_OTHER_SPELLINGS = {
    "cc0": "cc0-1.0",
    "cc-zero": "cc0-1.0",
    **{f"{number}-clause-bsd": f"bsd-{number}-clause" for number in (2, 3)},
}

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


def license_identifier(license: str | None) -> str | None:
    """Return the Hub's identifier of a license whose obligations are known here, however it is spelled; else None.

    Known are e.g. "CC BY-NC 4.0 International", "Apache License, Version 2.0" and the addresses of Creative Commons.
    A name without the version that it needs, such as "cc-by-nc", is not.
    """
    text = (license or "").strip().lower()
    address = _ADDRESS.fullmatch(text)
    if address is not None:
        text = {"zero": "cc0"}.get(address[1], f"cc-{address[1]}") + f"-{address[2]}"
    text = text.replace("creative commons", "cc")
    text = re.sub(r"non-?\s?commercial", "nc", re.sub(r"no-?\s?deriv(?:ative)?s?(?: works)?", "nd", text))
    text = re.sub(r"share-?\s?alike", "sa", re.sub(r"\battribution\b", "by", text))
    words = [word for word in re.split(r"[\s_,()-]+", text) if word and word not in _FILLERS]
    name = re.sub(r"-v(?=\d)", "-", "-".join(words))
    name = re.sub(r"^(apache|gpl|agpl|mpl|cc0)-?v?(\d)(?:\.0)?$", r"\1-\2.0", name)
    name = _OTHER_SPELLINGS.get(name, name)
    return name if name in OBLIGATIONS else None


def meets_terms(license: str, of: str) -> bool:
    """Return whether something under `license` may be derived from something under the license `of`.

    Both are identifiers of `OBLIGATIONS`. Nothing may be derived where derivatives are forbidden. A reciprocal license
    lets only itself and a few others follow, and follows only those of which that is known; the others let every
    license follow that obliges to what they oblige to.
    """
    asked = OBLIGATIONS[of]
    if "nd" in asked:
        return False
    if "sa" in asked:
        return license == of or license in ALSO_ACCEPTED.get(of, ())
    if "sa" in OBLIGATIONS[license] and asked:
        return of in MAY_FOLLOW[license]
    return asked <= OBLIGATIONS[license]


def strictest_license(parts: Iterable[tuple[str, str | None]]) -> LicenseFinding:
    """Return the license that meets the terms of everything that went into something.

    That is a part's own license where it meets the terms of all others, else one of `OBLIGATIONS` that obliges to what
    all of them oblige to, and no more: under cc-by-sa-4.0 and mpl-2.0 it is gpl-3.0. Terms may exclude each other:
    cc-by-sa lets no license follow that forbids commercial use, and cc-by-nc none that allows it. Where a part forbids
    derivatives, no license will do.

    Args:
        parts: (what it is, license identifier or name or None).

    Returns:
        The license and the reason. Where a part's license is unknown, or not among `OBLIGATIONS`, the name is None and
        the reason names the part and what the others ask for. Where no license is known to meet all terms, the name is
        None and the reason names the parts that forbid derivatives, or the licenses that do not go together.
    """
    named = [(what, (license or "unknown").strip()) for what, license in parts]
    known = [(what, found) for what, license in named if (found := license_identifier(license))]
    others = [f"{what} ({license})" for what, license in named if not license_identifier(license)]
    common = _common_license([license for _, license in known])
    conflict = "" if common or not known else _conflict(known)
    if others or not known:
        bound = f" It is at least as strict as {common}." if common else f" {conflict}" if conflict else ""
        unknown = ", ".join(others) or "parts that are not recorded"
        return LicenseFinding(None, f"It depends on {unknown}, whose license is not known here.{bound}")
    if common is None:
        return LicenseFinding(None, conflict)
    listed = ", ".join(f"{what}: {license}" for what, license in named)
    is_of_a_part = any(license == common for _, license in known)
    reason = "The strictest of its parts" if is_of_a_part else "It carries the obligations of all of its parts"
    return LicenseFinding(common, f"{reason} ({listed}).")


def _common_license(licenses: Sequence[str]) -> str | None:
    """Return the license that meets the terms of all of them, one of themselves if possible; None if there is none."""
    obligations = frozenset[str]().union(*(OBLIGATIONS[license] for license in licenses))
    own = list(dict.fromkeys(licenses))
    others = [name for name, asked in OBLIGATIONS.items() if asked == obligations and licenses]
    return next((name for name in (*own, *others) if all(meets_terms(name, of) for of in licenses)), None)


def _conflict(parts: Sequence[tuple[str, str]]) -> str:
    """Say which parts forbid derivatives, or which licenses do not go together, and what each of them asks for."""
    unshared = ", ".join(f"{what}: {license}" for what, license in parts if "nd" in OBLIGATIONS[license])
    if unshared:
        return f"Parts of it forbid that what is derived from them is passed on ({unshared})."
    pairs = list(combinations(dict.fromkeys(license for _, license in parts), 2))
    opposed = [pair for pair in pairs if _common_license(pair) is None] or pairs
    names = list(dict.fromkeys(name for pair in opposed for name in pair))
    listed = ", ".join(f"{what}: {license}" for what, license in parts if license in names)
    asked = "; ".join(f"{name} asks for {_obligation_words(name)}" for name in names)
    return f"No license is known to meet the terms of all of its parts ({listed}): {asked}."


def _obligation_words(license: str) -> str:
    order = (*OBLIGATION_WORDS, *sorted(OBLIGATIONS[license] - OBLIGATION_WORDS.keys()))
    own = "limits of use of its own"
    return ", ".join(OBLIGATION_WORDS.get(each, own) for each in order if each in OBLIGATIONS[license])


def stricter_parts(license: str, parts: Iterable[tuple[str, str | None]]) -> list[str]:
    """Return the parts whose terms the given license does not meet, each as "what: license"."""
    given = license_identifier(license)
    return [
        f"{what}: {other}"
        for what, other in parts
        if given is not None and (name := license_identifier(other)) and not meets_terms(given, name)
    ]


def check_known_license(what: str, name: Any, license: str | None) -> None:
    """Refuse a license that weights are known not to have.

    Args:
        what: which part it is, e.g. "teacher".
        name: Hub id or folder of the weights; checked are well-known ones and folders whose card has a license.
        license: as stated for them. None, "unknown" and names of other terms (a contract with the authors) pass.

    Raises:
        ValueError: the weights are published under a license whose terms the stated one does not meet.
    """
    stated = license_identifier(license)
    if stated is None:
        return
    folder = Path(str(name))
    # A download keeps its name, mostly, and records of labels keep no more of a path.
    published = published_license(name) or published_license(f"depth-anything/{folder.name}")
    published = published or license_identifier(license_in_card(folder))
    if published and stated != published and not meets_terms(stated, published):
        raise ValueError(
            f"{what} license {license!r} contradicts that of {redact_name(name)}, which is published under "
            f"{published}; leave the license out, or give {published!r} or the name of another agreement that "
            "you have with its authors"
        )


def license_in_card(folder: Path) -> str | None:
    """Return the license in the metadata of a folder's `README.md`; None where there is none, or several."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    try:
        data = RepoCard(card.read_text(encoding="utf-8", errors="replace"), ignore_metadata_errors=True).data
    except ValueError:
        return None
    name = data.get("license_name") if data.get("license") == "other" else data.get("license")
    return name if isinstance(name, str) else None


def license_fields(license: str | None, has_license_file: bool) -> dict[str, Any]:
    """Return a card's metadata for a license; none for an unknown one."""
    if not license or license == "unknown":
        return {}
    identifier = license_identifier(license)
    if identifier:
        return {"license": identifier}
    fields = {"license": "other", "license_name": slug(license)}
    return fields | ({"license_link": "LICENSE"} if has_license_file else {})


def published_license(name: Any) -> str | None:
    """Return the license of well-known weights, by their Hub id in any case; None for others."""
    text = str(name).lower()
    return next((license for start, license in PUBLISHED_LICENSES.items() if text.startswith(start.lower())), None)


def add_published_licenses(lineage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lineage in which well-known weights have their license, where none is given.

    Raises:
        ValueError: a given license contradicts that under which the weights are published.
    """
    known: dict[str, Any] = {}
    for part in LICENSED_PARTS:
        for name, given, _ in origins(lineage, part):
            check_known_license(part.replace("_", " "), name, given)
        if lineage.get(part) is None or lineage.get(f"{part}_license"):
            continue
        licenses = [published_license(name) for name, _, _ in origins(lineage, part)]
        if any(licenses):
            known[f"{part}_license"] = licenses if isinstance(lineage[part], list | tuple) else licenses[0]
    return {**lineage, **known}


def model_license(given: str | None, lineage: Mapping[str, Any]) -> LicenseFinding:
    """Return the license of a model.

    Args:
        given: by its author: an identifier, a name, or "unknown"; None takes the one that meets all parts' terms.
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
