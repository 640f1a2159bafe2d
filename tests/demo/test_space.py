# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A Space of the Hub: its files run this package, say license and lineage, and replace nothing of the user's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from hub_client import new_hub, use_hub
from typer.testing import CliRunner

from depth_anything_hf.cli.main import app
from depth_anything_hf.demo import DemoSettings
from depth_anything_hf.demo.space import push_space, write_space
from depth_anything_hf.hub.errors import PushError


@pytest.fixture
def model(model_folders, tmp_path):
    folder = tmp_path / "student"
    shutil.copytree(model_folders["relative"], folder)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# Student\n", encoding="utf-8")
    config = json.loads((folder / "config.json").read_text())
    config["lineage"] = {"teacher": "owner/teacher", "teacher_license": "cc-by-nc-4.0"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "optimizer.pt").write_bytes(b"not to be published")
    return folder


def front_matter(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])


def test_a_local_model_goes_into_the_space_with_license_and_lineage(model, tmp_path):
    space = write_space(str(model), "Depth")
    assert space.folder == model / "space" and space.license == "cc-by-nc-4.0"
    front = front_matter(space.folder / "README.md")
    assert (front["sdk"], front["app_file"], front["license"]) == ("gradio", "app.py", "cc-by-nc-4.0")
    text = (space.folder / "README.md").read_text(encoding="utf-8")
    assert "| teacher | `owner/teacher` | cc-by-nc-4.0" in text and str(tmp_path) not in text
    assert sorted(path.name for path in (space.folder / "model").iterdir()) == [
        *("README.md", "config.json", "model.safetensors", "preprocessor_config.json"),
    ]
    program = (space.folder / "app.py").read_text(encoding="utf-8")
    assert len(program.splitlines()) <= 12
    # What it does but for the serving itself.
    names: dict = {"__file__": str(space.folder / "app.py")}
    exec(compile(program.split("run_demo(SETTINGS")[0], "app.py", "exec"), names)
    assert names["SETTINGS"] == DemoSettings(
        (str(space.folder / "model"),), engine="torch", queue_size=16, keep_minutes=30
    )
    # Again, after the model has changed and its README.md was edited.
    card = space.folder / "README.md"
    card.write_text(card.read_text("utf-8").replace("<!-- /keep -->", "Ask me anything.\n<!-- /keep -->"), "utf-8")
    (space.folder / "model" / "stale.txt").write_text("of an earlier model")
    write_space(str(model), "Depth")
    assert not (space.folder / "model" / "stale.txt").exists()
    assert card.read_text("utf-8").count("Ask me anything.") == card.read_text("utf-8").count("# Depth\n") == 1


def test_a_model_of_the_hub_is_named_and_its_license_known(tmp_path):
    space = write_space("depth-anything/Depth-Anything-V2-Small-hf", "Depth", tmp_path / "space")
    front = front_matter(space.folder / "README.md")
    assert front["models"] == ["depth-anything/Depth-Anything-V2-Small-hf"] and front["license"] == "apache-2.0"
    assert "MODEL = 'depth-anything/Depth-Anything-V2-Small-hf'" in (space.folder / "app.py").read_text()
    with pytest.raises(ValueError, match="contradicts"):
        write_space("depth-anything/Depth-Anything-V2-Large-hf", "Depth", tmp_path / "other", license="apache-2.0")
    assert not (tmp_path / "other").exists()


def test_files_of_the_user_and_traces_of_the_machine_are_kept_out(model, tmp_path):
    place = tmp_path / "mine"
    place.mkdir()
    (place / "app.py").write_text("print('mine')")
    with pytest.raises(FileExistsError, match="choose another --output_dir"):
        write_space(str(model), "Depth", place)
    assert (place / "app.py").read_text() == "print('mine')"
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        write_space(str(tmp_path / "mine"), "Depth", tmp_path / "out")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "data": "/home/somebody/photos"}))
    with pytest.raises(PushError, match="names places on this machine"):
        write_space(str(model), "Depth")


def test_a_folder_and_requirements_of_the_user_are_not_replaced(model, tmp_path):
    place = tmp_path / "mine"
    (place / "model").mkdir(parents=True)
    (place / "model" / "weights.pt").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"mine.model: already there.*choose another --output_dir"):
        write_space(str(model), "Depth", place)
    (place / "requirements.txt").write_text("torch")
    with pytest.raises(FileExistsError, match=r"requirements\.txt"):
        write_space("owner/model", "Depth", place)
    assert sorted(path.name for path in place.rglob("*")) == ["model", "requirements.txt", "weights.pt"]
    # The model itself, where its copy would lie.
    model.rename(tmp_path / "model")
    with pytest.raises(ValueError, match="lies where the Space's copy of it goes"):
        write_space(str(tmp_path / "model"), "Depth", tmp_path)
    assert (tmp_path / "model" / "model.safetensors").is_file() and not (tmp_path / "app.py").exists()


def test_the_command_pushes_a_space(model, tmp_path, monkeypatch):
    with new_hub() as hub:
        use_hub(monkeypatch, hub, tmp_path)
        command = ["push-demo", str(model), "--space", "owner/depth-demo"]
        done = CliRunner().invoke(app, [*command, "--dry_run"])
        assert done.exit_code == 0 and "nothing was pushed" in done.output and hub.repositories == {}
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        assert f"{hub.url}/spaces/owner/depth-demo" in done.output
        assert CliRunner().invoke(app, command).exit_code == 0
        repository = hub.repositories["space", "owner/depth-demo"]
        files = set(repository.commits[repository.head])
        readme = repository.commits[repository.head]["README.md"].content.decode()
        assert readme.count("# Depth demo") == 1
        assert {"app.py", "requirements.txt", "README.md", "model/model.safetensors"} <= files
        assert not any("optimizer" in name for name in files)
        created = next(request for request in hub.requests if request.url.endswith("/api/repos/create"))
        assert (created.json["type"], created.json["sdk"]) == ("space", "gradio")
        with pytest.raises(PushError, match=r"was not pushed.*by hand: hf upload somebody/demo"):
            push_space(write_space(str(model), "Depth"), "somebody/demo", attempts=1)
