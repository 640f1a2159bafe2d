# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Execute the notebooks of examples/notebooks/ and write them as pages of the site, with what they print and show.

    python docs/figures/render_notebooks.py                                   # with the checkpoints of the Hub
    python docs/figures/render_notebooks.py --stand_in runs/quickstart-quick  # without network, on two CPU cores
    python docs/figures/render_notebooks.py predict_and_3d --stand_in runs/quickstart-quick
    python docs/figures/render_notebooks.py --clear                           # outputs out of edited notebooks

Pages go to docs/notebooks/, pictures to docs/pictures/notebooks/. With --stand_in the models of a quickstart
(`make quickstart`) take the place of those of the Hub, under their names, and its renders that of data; the pages say
so. Notebooks are executed in --work, where all that they make stays; what is there already is not made again. Needs
nbclient, ipykernel and matplotlib: pip install -e ".[dev]".
"""

from __future__ import annotations

import base64
import io
import json
import math
import os
import re
import shutil
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbclient import NotebookClient
from PIL import Image


ROOT = Path(__file__).parents[2]
NOTEBOOKS, PAGES, PICTURES = ROOT / "examples/notebooks", ROOT / "docs/notebooks", ROOT / "docs/pictures/notebooks"
REPOSITORY = "https://github.com/depth-anything-hf/depth_anything_hf"
COLAB = "https://colab.research.google.com/github/" + REPOSITORY.removeprefix("https://github.com/")
# In this order: the metric model of the second is shown by the last.
NAMES = ("evaluate_and_compare", "finetune_on_your_folder", "teacher_to_student", "predict_and_3d")
MOST_LINES = 48
PICTURE_WIDTH, JPEG_QUALITY = 1200, 88

# The package is there already, and a command that fails ends the notebook, which a shell line alone does not do.
# 3 is the exit code of `check` with findings.
STRICT = """
def _system(line, usual=get_ipython().system):
    usual(line)
    if get_ipython().user_ns["_exit_code"] not in (0, 3):
        raise RuntimeError(f"exit code {get_ipython().user_ns['_exit_code']}: {line}")

get_ipython().system = _system
get_ipython().register_magic_function(lambda line: None, magic_name="pip")
"""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# Names on the Hub and the model of a quickstart that stands there without network.
STAND_INS = {
    "depth-anything/Depth-Anything-V2-Small-hf": "teacher",
    "LiheYoung/depth-anything-small-hf": "student",
}
ENCODER_STAND_INS = {"facebook/dinov2-small": "student", "facebook/dinov2-large": "teacher"}
METRIC = "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf"
# What suits these small models, which were trained at 112 pixels, and two cores.
STAND_IN_SETTINGS: dict[str, dict[str, Any]] = {
    "predict_and_3d": {"PICTURE": "room.png"},
    "finetune_on_your_folder": {"INPUT_SIZE": 112},
    "teacher_to_student": {"TEACHER_ENCODER": "facebook/dinov2-large", "STEPS": 600},
    "evaluate_and_compare": {},
}
# A scene that no notebook renders.
ROOM: dict[str, Any] = {"height": 504, "width": 672, "first_scene": 300_000, "haze": True}


def execute(
    names: Sequence[str],
    folder: Path,
    *,
    preamble: str = STRICT,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    timeout: int = 3600,
) -> dict[str, nbformat.NotebookNode]:
    """Execute notebooks one after the other in a folder, each without the names of those before, and return them.

    They share a kernel, in which the libraries are imported once.

    Args:
        names: of the notebooks, without suffix.
        folder: where they are executed.
        preamble: code that runs before the first cell, and is not part of the results.
        settings: of each notebook, values that replace those of its cell tagged "parameters".
        timeout: seconds for a cell.

    Returns:
        By name, the notebooks with their outputs.
    """
    notebooks = {name: nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4) for name in names}
    cells = [nbformat.v4.new_code_cell(preamble)]
    for name, notebook in notebooks.items():
        cells.append(nbformat.v4.new_code_cell("%reset -f"))
        for cell in notebook.cells:
            cells.append(cell)
            if "parameters" in tags_of(cell):
                values = (settings or {}).get(name, {})
                cells.append(
                    nbformat.v4.new_code_cell("\n".join(f"{key} = {value!r}" for key, value in values.items()))
                )
    # Not one notebook to be checked as a whole: cells of several have the same ids.
    client = NotebookClient(nbformat.v4.new_notebook(), timeout=timeout, resources={"metadata": {"path": str(folder)}})
    client.nb.cells = cells
    with client.setup_kernel(cwd=str(folder)):
        for number, cell in enumerate(cells):
            client.execute_cell(cell, number)
    return notebooks


def tags_of(cell: nbformat.NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.metadata.get("tags", ()))


def page_of(notebook: nbformat.NotebookNode, name: str, note: str = "") -> tuple[str, dict[str, bytes]]:
    """Return an executed notebook as Markdown, and its pictures, JPEG by their file names.

    Args:
        notebook: executed.
        name: of the notebook and of its pages and pictures.
        note: said below the title.

    Raises:
        ValueError: a cell shows a picture, and its metadata has no "alt", the words for those who cannot see it.
    """
    parts, pictures = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(links_from_page(cell.source, name))
            if cell is notebook.cells[0] and note:
                parts.append(note)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        if "install" in tags_of(cell):
            continue
        if text := text_of(cell):
            parts.append(f'```text title="Output"\n{text}\n```')
        if "interactive" in tags_of(cell):
            parts.append("*In the notebook: the mesh, to be turned with the mouse.*")
            continue
        for number, picture in enumerate(pictures_of(cell)):
            if not cell.metadata.get("alt"):
                raise ValueError(
                    f"{name}: cell {cell.id!r} shows a picture; say in its metadata as `alt` what it shows"
                )
            file = f"{name}-{cell.id}{f'-{number}' if number else ''}.jpg"
            pictures[file] = picture
            parts.append(f"![{cell.metadata['alt']}](../pictures/notebooks/{file})")
    return "\n\n".join(parts) + "\n", pictures


def links_from_page(text: str, name: str) -> str:
    """Return Markdown of a notebook with links as on the site: to its pages, a button for a badge."""
    button = f"[Open in Colab]({colab_link(name)}){{ .md-button }} [The notebook]({file_link(name)}){{ .md-button }}"
    text = re.sub(r"\[!\[Open in Colab\]\(\S+\)\]\(\S+\)", lambda _: button, text)
    text = text.replace(f"]({REPOSITORY}/blob/main/docs/", "](../")
    return re.sub(rf"\]\({re.escape(REPOSITORY)}/blob/main/examples/notebooks/(\w+)\.ipynb\)(?!{{)", r"](\1.md)", text)


def colab_link(name: str) -> str:
    """Return the address that opens a notebook in Colab."""
    return f"{COLAB}/blob/main/examples/notebooks/{name}.ipynb"


def file_link(name: str) -> str:
    """Return the address of a notebook in the repository."""
    return f"{REPOSITORY}/blob/main/examples/notebooks/{name}.ipynb"


def text_of(cell: nbformat.NotebookNode) -> str:
    """Return what a cell printed, as a terminal shows it in the end, without bars; long texts lose their middle."""
    # Warnings and bars of libraries go to stderr; shell lines have both in stdout.
    printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
    printed = printed.replace(str(Path.home()), "~")
    lines = []
    for line in CONTROL.sub("", printed).replace("\r\n", "\n").split("\n"):
        shown = line.rstrip("\r").rsplit("\r", 1)[-1].rstrip()
        if not re.search(r"\d+%\|.*\||\d+it \[", shown):
            lines.append(shown)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        left_out = len(lines) - MOST_LINES + 1
        lines[MOST_LINES // 2 : -MOST_LINES // 2 + 1] = [f"... ({left_out} lines)"]
    return "\n".join(lines)


def pictures_of(cell: nbformat.NotebookNode) -> Iterator[bytes]:
    """Yield the pictures of a cell as JPEG files, at most so wide as a page shows them well."""
    for output in cell.outputs:
        encoded = output.get("data", {}).get("image/png")
        if encoded:
            with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
                shown = picture.convert("RGB")
            if shown.width > PICTURE_WIDTH:
                height = round(shown.height * PICTURE_WIDTH / shown.width)
                shown = shown.resize((PICTURE_WIDTH, height), Image.Resampling.LANCZOS)
            stored = io.BytesIO()
            shown.save(stored, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
            yield stored.getvalue()


def put_stand_ins(run: Path, work: Path) -> dict[str, dict[str, Any]]:
    """Put the models of a quickstart into the folder where notebooks are executed, under names of the Hub.

    Args:
        run: folder of the quickstart.
        work: where notebooks are executed.

    Returns:
        The settings that suit these models, by the notebooks' names.
    """
    from depth_anything_hf import DepthAnythingForDepthEstimation

    for name, role in STAND_INS.items():
        if not (work / name).exists():
            shutil.copytree(
                run / role, work / name, ignore=shutil.ignore_patterns("checkpoint-*", "best", "tensorboard")
            )
    for name, role in ENCODER_STAND_INS.items():
        DepthAnythingForDepthEstimation.from_pretrained(run / role).backbone.save_pretrained(work / name)
    metric = work / "runs/mine/best"
    if metric.exists():
        shutil.copytree(metric, work / METRIC, dirs_exist_ok=True)
    put_renders(run, work)
    from depth_anything_hf.rendering import render_dataset

    room = render_dataset(work / "room", family="hazy-rooms", count=1, **ROOM)
    shutil.copy(room / "images/000000.png", work / STAND_IN_SETTINGS["predict_and_3d"]["PICTURE"])
    with open(room / "metadata.jsonl", encoding="utf-8") as lines:
        focal_pixels = json.loads(next(lines))["fx"]
    angle = math.degrees(2 * math.atan(ROOM["width"] / 2 / focal_pixels))
    picture = {**STAND_IN_SETTINGS["predict_and_3d"], "FIELD_OF_VIEW": round(angle, 1)}
    return {**STAND_IN_SETTINGS, "predict_and_3d": picture}


def put_renders(run: Path, work: Path) -> None:
    """Put renders of a quickstart where notebooks look for data before they render some; what is there stays."""
    from depth_anything_hf.data import DepthFolder, PhotoFolder

    labelled, held_out = DepthFolder(run / "renders", "depth"), DepthFolder(run / "renders-held-out", "depth")
    photographs = PhotoFolder(run / "renders-unlabelled")
    write_samples(work / "scenes", labelled, range(400), haze=True)
    write_samples(work / "scenes-test", held_out, range(len(held_out)))
    write_samples(work / "held-out", held_out, range(0, len(held_out), 2))
    write_samples(work / "photos", photographs, range(min(300, len(photographs))))
    write_samples(work / "mine/train", labelled, range(len(labelled) - 200, len(labelled)), haze=True, as_mm=True)
    write_samples(work / "mine/held-out", held_out, range(1, len(held_out), 2), as_mm=True)


def write_samples(
    folder: Path, samples: Any, indices: Iterable[int], *, haze: bool = False, as_mm: bool = False
) -> None:
    """Write samples of a dataset into a folder, unless the folder is there.

    Args:
        folder: gets `images/`, and `depth/` where the samples have some.
        samples: a dataset of the package.
        indices: which of them.
        haze: add the haze that the models of the quickstart were trained with.
        as_mm: write depth as 16-bit PNG in millimetres, not as npy in metres.
    """
    if folder.exists():
        return
    from depth_anything_hf.data.haze import add_haze, sample_haze

    (folder / "images").mkdir(parents=True)
    for index in indices:
        sample = samples[index]
        image = sample["image"]
        if haze:
            image = add_haze(image, sample["depth"], *sample_haze(np.random.default_rng([1, index])))
        Image.fromarray(image).save(folder / f"images/{index:04d}.png")
        if "depth" in sample:
            (folder / "depth").mkdir(exist_ok=True)
            if not as_mm:
                np.save(folder / f"depth/{index:04d}.npy", sample["depth"])
                continue
            millimetres = np.where(np.isfinite(sample["depth"]), 1000 * sample["depth"], 0).round().astype(np.uint16)
            Image.fromarray(millimetres).save(folder / f"depth/{index:04d}.png")


def note_of(settings: Mapping[str, Any] | None) -> str:
    """Return the note that says with what a page was made.

    Args:
        settings: those that differ from the notebook's, with stand-ins for the checkpoints; None without stand-ins.
    """
    if settings is None:
        return "*Executed by `docs/figures/render_notebooks.py` with the checkpoints of the Hub.*"
    told = ", ".join(f"`{key} = {value!r}`" for key, value in settings.items())
    lines = [
        '!!! note "Made without network"',
        "",
        "    Executed on two CPU cores. In place of the checkpoints of the Hub stand small models that",
        "    `make quickstart` trains in minutes, and the images are its rendered rooms of 112 pixels: pictures and",
        "    numbers show what a cell does, and not how good the checkpoints are that you will download.",
    ]
    if told:
        lines.append(f"    Settings that differ from those of the notebook: {told}.")
    lines += ["", "    `python docs/figures/render_notebooks.py --stand_in runs/quickstart-quick`"]
    return "\n".join(lines)


def clear(path: Path) -> None:
    """Take outputs, counts of executions and what editors add to cells out of a notebook."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in ("alt", "tags")}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)


def main() -> None:
    """Execute and write."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones; default: all ({', '.join(NAMES)})")
    parser.add_argument("--stand_in", type=Path, metavar="RUN", help="folder of a quickstart, whose models are taken")
    parser.add_argument("--work", type=Path, default=ROOT / "build/notebooks", help="folder to execute them in")
    parser.add_argument("--clear", action="store_true", help="take outputs out of the notebooks, and do nothing else")
    arguments = parser.parse_args()
    work: Path = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if arguments.stand_in:
        # Models so small are fastest with one thread.
        os.environ |= {"HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""}
        os.environ["OMP_NUM_THREADS"] = "1"
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown notebooks {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
    names = [each for each in NAMES if not arguments.names or each in arguments.names]
    if arguments.clear:
        for name in names:
            clear(NOTEBOOKS / f"{name}.ipynb")
        return
    for folder in (PAGES, PICTURES):
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        settings = put_stand_ins(arguments.stand_in.resolve(), work) if arguments.stand_in else None
        executed = execute([name], work, settings=settings)
        page, pictures = page_of(executed[name], name, note_of(settings[name] if settings else None))
        for old in PICTURES.glob(f"{name}-*.jpg"):
            old.unlink()
        for file, content in pictures.items():
            (PICTURES / file).write_bytes(content)
        (PAGES / f"{name}.md").write_text(page, encoding="utf-8")
        print(f"{PAGES / name}.md, {len(pictures)} pictures, {sum(map(len, pictures.values())) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
