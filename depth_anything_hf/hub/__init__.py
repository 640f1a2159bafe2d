# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Publish models on the Hub: cards, licenses, repositories, pushes in the background of a training.

- `model_card`: a model's card and its results, in the form the Hub reads.
- `card_results`: results in a card, its metadata and files for leaderboards.
- `licenses`: what licenses oblige to, those of well-known weights, and which one a model or dataset comes under.
- `lineage`: a model's origins (encoder, teacher, labels, data), in its card and its configuration.
- `markdown`: what all cards share: user text that is kept, tables, code blocks, versions.
- `repository`: create a repository, and upload a folder's files.
- `errors`: retry transient errors, and turn Hub errors into messages.
- `publisher`: push a run's models in the background of its training.

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .errors import PushError
    from .licenses import LicenseFinding, license_fields, model_license, published_license, strictest_license
    from .lineage import lineage_record
    from .model_card import snippet, write_model_card
    from .publisher import Publisher, Unpushed
    from .repository import Repository

_MODULES = {
    "LicenseFinding": "licenses",
    "Publisher": "publisher",
    "PushError": "errors",
    "Repository": "repository",
    "Unpushed": "publisher",
    "license_fields": "licenses",
    "lineage_record": "lineage",
    "model_license": "licenses",
    "published_license": "licenses",
    "snippet": "model_card",
    "strictest_license": "licenses",
    "write_model_card": "model_card",
}

__all__ = [
    "LicenseFinding",
    "Publisher",
    "PushError",
    "Repository",
    "Unpushed",
    "license_fields",
    "lineage_record",
    "model_license",
    "published_license",
    "snippet",
    "strictest_license",
    "write_model_card",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
