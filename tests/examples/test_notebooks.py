# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The notebooks: kept without outputs, like their pages on the site, and executed with tiny models."""

from __future__ import annotations

import base64
import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image


nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
import render_notebooks  # noqa: E402
from render_notebooks import NAMES, NOTEBOOKS, PAGES, PICTURES, REPOSITORY, ROOT, page_of, tags_of  # noqa: E402


# What is too much for a test.
SETTINGS = {
    "finetune_on_your_folder": {"STEPS": 2, "INPUT_SIZE": 56},
    "teacher_to_student": {"STEPS": 2, "INPUT_SIZE": 56},
}
PREAMBLE = """
import sys

sys.path[:0] = {paths!r}
import torch
from notebook_commands import run_commands_here

torch.set_num_threads(1)
run_commands_here(get_ipython())
"""


def read(name: str) -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_all_notebooks_are_rendered():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == sorted(NAMES)
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted([*NAMES, "index"])


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_outputs_and_with_ids_that_say_something(name):
    notebook = read(name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == [], (
        f"python docs/figures/render_notebooks.py {name} --clear"
    )
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert [
        each for each in ids if not re.fullmatch(r"[a-z]+[a-z0-9-]*", each) or re.fullmatch(r"[0-9a-f]{8}", each)
    ] == []
    assert sum("parameters" in tags_of(cell) for cell in code) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_begins_with_a_line_that_installs_the_package_and_leaves_torch_alone(name):
    first = next(cell for cell in read(name).cells if cell.cell_type == "code")
    assert "install" in tags_of(first)
    found = re.fullmatch(r'%pip install -q "depth_anything_hf\[([\w,]+)\] @ git\+(\S+)"( [\w-]+)*', first.source)
    assert found and found[2] == REPOSITORY and "torch" not in first.source
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'Homepage = "{REPOSITORY}"' in project
    assert [extra for extra in found[1].split(",") if not re.search(rf"^{extra} = \[", project, re.MULTILINE)] == []


@pytest.mark.parametrize("name", NAMES)
def test_links_of_a_notebook_lead_somewhere(name):
    text = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    assert f"]({render_notebooks.colab_link(name)})" in text
    links = re.findall(rf"\]\({re.escape(REPOSITORY)}/blob/main/([^)#]+)", text)
    assert len(links) >= 2
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_notebook_is_of_its_present_cells(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    missing = [cell.id for cell in read(name).cells if cell.cell_type == "code" and cell.source not in page]
    assert missing == [], "render it again: python docs/figures/render_notebooks.py --help"
    assert re.findall(r"(?<![\w.~])/(?:root|home|work|tmp|Users)/\S*", page) == []
    shown = re.findall(r"!\[(.+)\]\(\.\./pictures/notebooks/(\S+)\)", page)
    assert len(shown) >= 3 and all(len(alt) > 20 for alt, _ in shown)
    assert sorted(file for _, file in shown) == sorted(path.name for path in PICTURES.glob(f"{name}-*.jpg"))


def executed_cell(*outputs: dict, **metadata: object) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(
        "show()", id="shown", metadata=metadata, outputs=[*map(nbformat.from_dict, outputs)]
    )


def printed(text: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": text}


def picture(width: int) -> dict:
    stored = io.BytesIO()
    Image.new("RGB", (width, 10), (255, 0, 0)).save(stored, "PNG")
    data = {"image/png": base64.b64encode(stored.getvalue()).decode()}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def test_a_page_shows_what_a_terminal_shows_in_the_end():
    bars = "train:   0%|          | 0/2 [00:00<?]\rtrain: 100%|#####| 2/2 [00:01]\r\n"
    text = render_notebooks.text_of(
        executed_cell(
            printed(f"\x1b[32mfirst\x1b[0m\r\n{bars}"), {**printed("no"), "name": "stderr"}, printed("old\rlast\n")
        )
    )
    assert text == "first\nlast"
    lines = render_notebooks.text_of(executed_cell(printed("".join(f"{number}\n" for number in range(100))))).split(
        "\n"
    )
    assert len(lines) == render_notebooks.MOST_LINES and (lines[0], lines[-1]) == ("0", "99")
    left_out = 100 - (len(lines) - 1)
    assert f"... ({left_out} lines)" in lines


def test_pictures_of_a_page_have_words_and_a_width_that_fits():
    notebook = nbformat.v4.new_notebook(cells=[executed_cell(picture(3000), alt="A red strip.")])
    page, pictures = page_of(notebook, "some")
    assert "![A red strip.](../pictures/notebooks/some-shown.jpg)" in page
    with Image.open(io.BytesIO(pictures["some-shown.jpg"])) as shown:
        assert shown.format == "JPEG" and shown.width == render_notebooks.PICTURE_WIDTH
        np.testing.assert_allclose(shown.getpixel((5, 1)), (255, 0, 0), atol=4)
    with pytest.raises(ValueError, match="'shown' shows a picture; say in its metadata as `alt`"):
        page_of(nbformat.v4.new_notebook(cells=[executed_cell(picture(30))]), "some")


def test_links_of_a_page_stay_on_the_site():
    text = f"[a]({REPOSITORY}/blob/main/docs/data.md#b) [c]({render_notebooks.file_link('predict_and_3d')})"
    assert render_notebooks.links_from_page(text, "some") == "[a](../data.md#b) [c](predict_and_3d.md)"
    badge = f"[![Open in Colab](https://badge.svg)]({render_notebooks.colab_link('some')})"
    button = render_notebooks.links_from_page(badge, "some")
    assert "badge.svg" not in button and f"[Open in Colab]({render_notebooks.colab_link('some')})" in button
    assert f"({render_notebooks.file_link('some')})" in button


def test_an_executed_notebook_is_cleared(tmp_path):
    notebook = read(NAMES[0])
    kept = (NOTEBOOKS / f"{NAMES[0]}.ipynb").read_bytes()
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code.outputs, code.execution_count, code.metadata["collapsed"] = [nbformat.from_dict(printed("text"))], 3, True
    path = tmp_path / "executed.ipynb"
    nbformat.write(notebook, path)
    assert path.read_bytes() != kept
    render_notebooks.clear(path)
    assert path.read_bytes() == kept


@pytest.mark.slow
def test_notebooks_run(tmp_path, monkeypatch):
    for module in ("mitsuba", "skimage", "trimesh", "matplotlib", "ipykernel"):
        pytest.importorskip(module)
    from user_folder import write_models

    write_models(tmp_path)
    shutil.rmtree(tmp_path / "runs")
    for variable, value in {"ACCELERATE_USE_CPU": "true", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    paths = [str(ROOT / "tests/helpers"), str(ROOT)]
    executed = render_notebooks.execute(
        NAMES, tmp_path, preamble=PREAMBLE.format(paths=paths), settings=SETTINGS, timeout=120
    )
    for name, notebook in executed.items():
        page, pictures = page_of(notebook, name)
        assert len(pictures) == len(list(PICTURES.glob(f"{name}-*.jpg")))
        assert "```text" in page
