# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Names of images in all that is written about them: relative to their source, printable, without local paths.

A name and the row of the image identify it together; names alone may repeat, as those in tables do.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path, PureWindowsPath
from typing import Any

from .paths import local_path
from .printable_names import printable_name, printable_text
from .redaction import names_machine, redact_text


class Naming:
    """How images are named and referenced, so that no local path is published.

    Args:
        relative_to: folder that is cut off from names and messages; None leaves names as they are.
        references_from: folder that references are relative to; None: the working directory.
    """

    def __init__(
        self, relative_to: str | os.PathLike[str] | None, references_from: str | os.PathLike[str] | None = None
    ) -> None:
        self._prefix = None if relative_to is None else f"{local_path(relative_to)}{os.sep}"
        self._folder = None if relative_to is None else os.path.abspath(local_path(relative_to))
        self._references_from = references_from or "."

    @classmethod
    def of_source(cls, source: Any) -> Naming:
        """Return how the images of a dataset are named: below its `root`; without one, below the working directory."""
        root = getattr(source, "root", None)
        return cls(root if isinstance(root, str | os.PathLike) and os.fspath(root) else Path.cwd())

    def name(self, name: str) -> str:
        """Return the name of an image: relative to the folder, of a file outside of it the last part, printable."""
        if self._prefix is not None and self._folder is not None:
            if name.startswith(self._prefix):
                name = name[len(self._prefix) :]
            elif os.path.isabs(name) and os.path.abspath(name).startswith(self._folder + os.sep):
                name = os.path.relpath(name, self._folder)
            if names_machine(name):
                is_of_windows = bool(PureWindowsPath(name).drive) and not name.startswith("/")
                name = PureWindowsPath(name).name if is_of_windows else os.path.basename(name)
        return printable_name(name.replace(os.sep, "/"))

    def keeps(self, name: str) -> bool:
        """Tell quickly whether a name stays as it is: True only for those of which nothing has to be looked at."""
        is_relative = name[:1] not in ("/", "~", ".", "") and not any(each in name for each in (":", "\\", ".."))
        return is_relative and name.isascii() and (self._prefix is None or not name.startswith(self._prefix))

    def archived(self, archive: str, member: str) -> str:
        """Return the name of a file in a tar archive, behind that of the archive: below the folder, or the last part.

        Args:
            archive: path or URL.
            member: name of the file in the archive.
        """
        place = self.name(archive)
        if "://" in place or names_machine(place):
            place = printable_name(os.path.basename(place))
        return f"{place}/{printable_name(posixpath.normpath(member).lstrip('/'))}"

    def message(self, text: str) -> str:
        """Return a message for the user, without the folder that names are relative to."""
        if self._prefix is not None:
            text = re.sub(rf"(?<![\w.~\-/\\]){re.escape(self._prefix)}", "", text)
        return printable_text(text)

    def reason(self, text: str) -> str:
        """Return why an image was left out, as it is stored: without paths of this machine."""
        return redact_text(self.message(text))

    def reference(self, place: str) -> str:
        """Return a path relative to the folder of references, printable; a URL stays."""
        return place if "://" in place else printable_name(os.path.relpath(place, self._references_from))
