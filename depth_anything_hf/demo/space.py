# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A Space of the Hub that shows a model: its files, written beside the model's card, and their push."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from ..hub.errors import ATTEMPTS, FIRST_WAIT_SECONDS, PushError, explain, with_retries
from ..hub.licenses import check_known_license, license_fields, license_in_card, published_license
from ..hub.lineage import LINEAGE_KEY, lineage_rows
from ..hub.markdown import kept_section, table
from ..hub.publisher import MODEL_FILES
from ..hub.repository import Repository
from ..utils.files import atomic_write
from ..utils.machine_traces import traces_in_file
from ..utils.outputs import lies_in, refuse_to_replace
from ..utils.paths import local_path
from ..version import __version__
from .settings import model_label


logger = logging.getLogger(__name__)

# The oldest that the extra `demo` allows.
GRADIO_VERSION = "6.31.0"
FOLDER, MODEL_FOLDER = "space", "model"
# Files that begin otherwise, or do not hold it, are the user's own.
MARK = "Written by `depth-anything-hf push-demo`."
SPACE_FILES = ("app.py", "requirements.txt", "README.md", f"{MODEL_FOLDER}/*")
APP = '''"""{mark}"""

from pathlib import Path

from depth_anything_hf.demo import DemoSettings, run_demo


MODEL = {model}
SETTINGS = DemoSettings((MODEL,), engine={engine}, queue_size=16, keep_minutes=30)
run_demo(SETTINGS, print, server_name="0.0.0.0", server_port=7860)
'''
README = """# {title}

{mark} It runs [depth_anything_hf](https://github.com/depth-anything-hf/depth_anything_hf) on
{model}: depth of pictures, values under the pointer, metres from clicked points, points in space. Uploads are deleted
after half an hour.

License of the model: {license}.{lineage}

{own}
"""
LARGEST_COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class Space:
    """The files of a Space.

    Attributes:
        folder: that they are in.
        license: of the model; None: unknown.
    """

    folder: Path
    license: str | None


def write_space(
    model: str, title: str, folder: str | os.PathLike[str] | None = None, *, license: str | None = None
) -> Space:
    """Write the files of a Space that shows a model.

    Args:
        model: id on the Hub, which the Space downloads; or a folder, whose published files go into the Space.
        title: of the Space.
        folder: to write to; None: `space` in the model's folder, for an id `space` in the current one.
        license: of the model; None: that of its card, or of well-known weights.

    Raises:
        ValueError: the license contradicts that of the model, or the model lies where its copy goes.
        FileNotFoundError: the folder holds no model.
        FileExistsError: files of the user's would be replaced.
        PushError: a file of the model names this machine.
    """
    source = Path(model)
    is_local = source.is_dir()
    check_known_license("model", model, license)
    license = license or (license_in_card(source) if is_local else published_license(model))
    place = local_path(folder) if folder is not None else (source if is_local else Path()) / FOLDER
    ours = [place / name for name in SPACE_FILES[:3]]
    theirs = [path for path in ours if path.exists() and not _is_ours(path)]
    names = []
    if is_local:
        target = place / MODEL_FOLDER
        if lies_in(source, target):
            raise ValueError(f"{source} lies where the Space's copy of it goes: choose another --output_dir")
        # An earlier copy has the program beside it.
        theirs += [target] if target.exists() and not _is_ours(place / "app.py") else []
        names = _published_files(source)
    refuse_to_replace(theirs, "choose another --output_dir")
    expression = f'str(Path(__file__).parent / "{MODEL_FOLDER}")' if is_local else repr(model)
    # A conversion for OpenVINO would be made again at each start of a Space.
    app = APP.format(mark=MARK, model=expression, engine='"torch"')
    if not is_local:
        app = app.replace("from pathlib import Path\n\n", "")
    name = model_label(model) if is_local else f"[{model}](https://huggingface.co/{model})"
    card = place / "README.md"
    text = README.format(
        title=title,
        mark=MARK,
        model=name,
        license=license or "unknown, see its card",
        lineage=_lineage(source),
        own=kept_section(card.read_text(encoding="utf-8") if card.is_file() else None),
    )
    atomic_write(place / "app.py", app)
    if is_local:
        _copy_model(source, names, target)
    atomic_write(place / "requirements.txt", f"# {MARK}\ndepth_anything_hf[demo]=={__version__}\n")
    front = yaml.safe_dump(
        _front_matter(title, None if is_local else model, license), sort_keys=False, allow_unicode=True
    )
    atomic_write(card, f"---\n{front}---\n\n{text}")
    return Space(place, license)


def push_space(
    space: Space,
    repo_id: str,
    *,
    private: bool = False,
    endpoint: str | None = None,
    attempts: int = ATTEMPTS,
    first_wait_seconds: float = FIRST_WAIT_SECONDS,
) -> str:
    """Push the files of a Space; an earlier push is replaced, own text of its README.md is kept.

    Args:
        space: as `write_space` left it.
        repo_id: `owner/name`, or `name` for the token's owner.
        private: whether a new Space is private; an existing public one is then refused.
        endpoint: of the Hub; None: the client's, which `HF_ENDPOINT` sets.
        attempts: how often the push is tried at most.
        first_wait_seconds: pause after the first failure; it doubles with each further one.

    Returns:
        The address of the Space.

    Raises:
        ValueError: malformed name.
        PushError: the Hub cannot be reached or refused.
    """
    repository = Repository(repo_id, "space", private, endpoint)

    def pause(seconds: float, reason: str) -> bool:
        logger.warning("pushing to %s failed, next attempt in %.0f s: %s", repository.name, seconds, reason)
        time.sleep(seconds)
        return True

    def attempt() -> str:
        return repository.create().upload(space.folder, "Demo", SPACE_FILES, f"{MODEL_FOLDER}/*")

    try:
        return with_retries(attempt, pause, attempts, first_wait_seconds)
    except Exception as error:
        # The client's own message may quote the request, and with it the token.
        reason = explain(error, repository.described)
        raise PushError(
            f"{space.folder} was not pushed: {reason}; by hand: {repository.command(space.folder, SPACE_FILES)}"
        ) from None


def _is_ours(path: Path) -> bool:
    return path.is_file() and MARK in path.read_text("utf-8", errors="replace")


def _published_files(source: Path) -> list[Path]:
    """Return the names of the published files of a model, which are checked."""
    names = [path.relative_to(source) for path in sorted(source.iterdir()) if path.is_file()]
    names = [name for name in names if any(fnmatch(name.name, pattern) for pattern in MODEL_FILES)]
    if "config.json" not in map(str, names) or not any(fnmatch(str(name), "model*.safetensors") for name in names):
        raise FileNotFoundError(f"{source}: expected a model folder with config.json and model.safetensors")
    traces = [f"{name}: {trace}" for name in names if (trace := next(traces_in_file(source / name), None))]
    if traces:
        raise PushError(f"{source} names places on this machine, which must be taken out first: {'; '.join(traces)}")
    return names


def _copy_model(source: Path, names: list[Path], target: Path) -> None:
    """Copy files of a model, large ones as hard links; of an earlier copy nothing else stays."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in names:
        if (source / name).stat().st_size > LARGEST_COPY_BYTES:
            try:
                os.link(source / name, target / name)
                continue
            except OSError:
                pass
        shutil.copyfile(source / name, target / name)


def _front_matter(title: str, model: str | None, license: str | None) -> dict[str, Any]:
    return {
        "title": title,
        "emoji": "📏",
        "colorFrom": "blue",
        "colorTo": "indigo",
        "sdk": "gradio",
        "sdk_version": GRADIO_VERSION,
        "app_file": "app.py",
        "pinned": False,
        **license_fields(license, has_license_file=False),
        **({"models": [model]} if model else {}),
        "tags": ["depth-estimation", "depth-anything", "depth_anything_hf"],
    }


def _lineage(source: Path) -> str:
    """Return the table of a local model's origins, which `config.json` holds; nothing for others."""
    try:
        lineage = json.loads((source / "config.json").read_text(encoding="utf-8")).get(LINEAGE_KEY)
    except (OSError, ValueError):
        return ""
    if not isinstance(lineage, dict):
        return ""
    return "\n\nIts lineage:\n\n" + table(("Part", "Origin", "License", "Revision"), lineage_rows(lineage)).strip()
