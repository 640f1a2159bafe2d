# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""YAML and JSON in which a key that is given twice is refused, of which readers would silently take the last."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

import yaml


class KeyGivenTwiceError(ValueError):
    """A key is given twice; the message names it, in YAML with the lines."""


def load_yaml(text: str) -> Any:
    """Return the content of safe YAML.

    Raises:
        KeyGivenTwiceError: a mapping has a key twice, at any depth.
        yaml.YAMLError: it is no YAML.
    """
    return yaml.load(text, Loader=_UniqueKeyLoader)  # a SafeLoader


def load_json(text: str) -> Any:
    """Return the content of JSON.

    Raises:
        KeyGivenTwiceError: an object has a key twice, at any depth.
        json.JSONDecodeError: it is no JSON.
    """
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise KeyGivenTwiceError(f"the key {key!r} is given twice; leave one of them out")
        found[key] = value
    return found


class _UniqueKeyLoader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node, once no key of it is found twice."""
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                # YAML's own message about such a key names the line.
                continue
            line = key_node.start_mark.line + 1
            if key in seen:
                raise KeyGivenTwiceError(f"the key {key!r} is given twice, in lines {seen[key]} and {line}")
            seen[key] = line
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


__all__ = ["KeyGivenTwiceError", "load_json", "load_yaml"]
