# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What all cards share: own text that survives, licenses and their order, names without local paths, tables."""

from __future__ import annotations

import platform
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import get_token
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id


KEEP_START, KEEP_END = "<!-- keep -->", "<!-- /keep -->"
OWN_SECTION = "<!-- Text between the two keep markers is yours: it survives when the card is written again. -->"
PACKAGES = ("depth_anything_hf", "transformers", "torch", "datasets", "accelerate", "huggingface_hub")
# Pictures that a card shows lie in this folder beside it.
PICTURES_FOLDER = "card"

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

_ACCESS_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}")
# A path that starts at the root, at home, or here, and is no part of a URL or of a Hub id.
_LOCAL_PATH = re.compile(r"(?<![\w:/.~-])(?:~|\.{1,2})?/[^\s'\",;:=\[\](){}]*")


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


def own_text(card: str) -> str:
    """What a reader wrote: between the keep markers, or the whole text of a card without them.

    The metadata is not read, so that broken YAML does no harm.
    """
    kept = re.findall(f"{KEEP_START}(.*?)(?:{KEEP_END}|\\Z)", card, flags=re.DOTALL)
    if kept:
        return "".join(kept)
    body = re.sub(r"\A---\s*\n.*?\n---\s*\n", "", card, flags=re.DOTALL).strip()
    return f"\n{body}\n" if body else f"\n{OWN_SECTION}\n"


def kept_section(card: str | None) -> str:
    """The section of own text at the end of a new card, taken over from the card before."""
    return f"{KEEP_START}{own_text(card or '')}{KEEP_END}"


def with_own_text_of(card: str, other: str) -> str:
    """A card with the own text of another one added, as when both the folder's and the Hub's were edited."""
    here, there = own_text(card), own_text(other)
    plain_here, plain_there = (text.replace(OWN_SECTION, "").strip() for text in (here, there))
    if plain_there in plain_here:
        return card
    text = there if plain_here in plain_there else f"{here.rstrip()}\n\n{there.lstrip()}"
    start = card.find(KEEP_START)
    return (card[:start] if start >= 0 else f"{card.rstrip()}\n\n") + f"{KEEP_START}{text}{KEEP_END}\n"


def is_hub_id(name: object) -> bool:
    """Whether `name` reads as `owner/name` on the Hub and is no folder or file here. Nothing is looked up."""
    if not isinstance(name, str) or name.count("/") != 1 or Path(name).exists():
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def redact_name(name: Any) -> str:
    """A name as it may be read by anyone: of a local path only the last part."""
    text = str(name)
    return Path(text).name if is_local_path(text) else without_secrets(text)


def is_local_path(text: str) -> bool:
    """Whether a name is a path of this machine rather than words or a Hub id."""
    return Path(text).is_absolute() or text.startswith((".", "~")) or ("/" in text and Path(text).exists())


def redact_command(command: str) -> str:
    """A command line as it may be read by anyone: local paths reduced to their last part, no access token.

    A comment in a line before it stays.
    """
    if command.startswith("# "):
        comment, _, rest = command.partition("\n")
        return f"{redact_text(comment)}\n{redact_command(rest)}"
    try:
        words = shlex.split(command)
    except ValueError:
        return redact_text(command)
    reduced = []
    for word in words:
        flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        reduced.append(f"{flag}{equals}{redact_name(value) if is_local_path(value) else redact_text(value)}")
    return shlex.join(reduced)


def redact_text(text: str) -> str:
    """Any text as it may be read by anyone: absolute paths reduced to their last part, no access token."""
    return without_secrets(_LOCAL_PATH.sub(lambda found: Path(found[0]).name or found[0], text))


def without_secrets(text: str) -> str:
    """Text in which access tokens, above all the one in use, are blotted out."""
    token = get_token()
    return _ACCESS_TOKEN.sub("hf_***", text.replace(token, "hf_***") if token else text)


def versions() -> list[tuple[str, str]]:
    """Python's and the packages' versions."""
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found


def table(heading: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def code_block(text: str, language: str) -> str:
    """A fenced block of code."""
    return f"```{language}\n{text.strip()}\n```"


def slug(name: str) -> str:
    """Lower-case letters, digits, points and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or "unnamed"


def name_and_license_entries(given: Any) -> list[Mapping[str, Any]]:
    """A name, a mapping, or a list of both, as mappings with at least a "name"."""
    entries: Sequence[Any] = [given] if isinstance(given, (str, Path, Mapping)) else given or []
    return [entry if isinstance(entry, Mapping) else {"name": str(entry)} for entry in entries]


def _cell(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value)).replace("|", "\\|")
