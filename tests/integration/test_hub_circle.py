# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the way there and back: what is pushed opens elsewhere, without this package, with the same depth."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_client import TOKEN, hub_environment, new_hub, push_model, use_hub
from hub_server import HubServer
from huggingface_hub import DatasetCard, ModelCard
from huggingface_hub.utils import enable_progress_bars
from PIL import Image
from tiny_model import TINY_SIDE_PIXELS, MakeModel
from tiny_predictors import SIDE, tiny_model
from versions import ASKS_FOR_ADAPTERS_ITSELF

from depth_anything_hf import DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import PhotoFolder
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.evaluation.results import description_of
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.hub.errors import PushError
from depth_anything_hf.hub.model_card import write_model_card
from depth_anything_hf.inference.engine_cache import CacheEntry, EngineCache
from depth_anything_hf.inference.engine_source import ModelSource, find_source
from depth_anything_hf.inference.prediction_folder import describe_model
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.fill_shards import label_images
from depth_anything_hf.pseudo_labels.lineage import labels_lineage
from depth_anything_hf.pseudo_labels.provenance import describe_teacher
from depth_anything_hf.pseudo_labels.push import LABELS_LOCK, push_labels, push_labels_when_complete
from depth_anything_hf.pseudo_labels.verify import verify_labels
from depth_anything_hf.recipes.arguments import ModelArguments
from depth_anything_hf.recipes.starting_point import build_model
from depth_anything_hf.utils.locks import FolderLock


MODEL, LABELS = "owner/student", "owner/labels"

# Run where the package cannot be imported: the snippets of both cards on what the Hub has. Then, with the package, the
# labels as a stream for training.
ELSEWHERE = """
import importlib.util, json, sys
sys.modules["depth_anything_hf"] = None
import numpy as np
names = {}
exec(compile(sys.argv[1], "model card", "exec"), names)
np.save("disparity.npy", names["disparity"].numpy())
names = {}
exec(compile(sys.argv[2], "dataset card", "exec"), names)
np.save("label.npy", names["disparity"])
rows = [row["name"] for row in names["rows"]]
from transformers import AutoConfig
lineage = AutoConfig.from_pretrained("owner/student").lineage
del sys.modules["depth_anything_hf"]
from depth_anything_hf.data.sources import DataSource, open_source
stream = open_source(DataSource("owner/labels", streaming=True))
np.save("streamed.npy", stream.read(next(iter(stream.shard(0))), 0, 0)["disparity"])
print(json.dumps({"rows": rows, "lineage": lineage}))
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with new_hub() as server:
        use_hub(monkeypatch, server, tmp_path / "home")
        yield server
    enable_progress_bars()


@pytest.fixture
def model(make_tiny_model: MakeModel, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    make_tiny_model().save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(TINY_SIDE_PIXELS).save_pretrained(folder)
    lineage = {"encoder": "facebook/dinov2-small", "teacher": str(tmp_path / "teacher")}
    card: dict[str, Any] = {"title": "Student", "kind": "relative", "role": "student", "training": {}}
    write_model_card(folder, lineage=lineage, repo_id=MODEL, **card)
    return folder


@pytest.fixture
def labels(model: Path, labelled_folder: Path, tmp_path: Path) -> Path:
    photos = labelled_folder / "images"
    predictor = DepthPredictor.from_pretrained(str(model))
    provenance = {**describe_teacher(predictor, model), "data": "owner/photographs"}
    options: dict[str, Any] = {"shard_size": 3, "names_relative_to": photos, "progress": False}
    label_images(predictor, PhotoFolder(photos), tmp_path / "labels", provenance=provenance, **options)
    return tmp_path / "labels"


def labels_in(folder: Path) -> Any:
    return open_source(DataSource(str(folder)))


def entry_of(name: str) -> CacheEntry:
    """Where a model converted for OpenVINO is kept."""
    source = find_source(name, {})
    assert isinstance(source, ModelSource)
    return EngineCache().entry(source, "openvino", "float32")


def snippet_of(card: str) -> str:
    return re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)[0]


def test_labels_arrive_with_a_card_and_the_same_call_goes_on(hub: HubServer, labels: Path) -> None:
    hub.storm += ["drop"] * 5
    with pytest.raises(PushError, match=r"connect to the Hub.*the same command again to resume"):
        push_labels(labels, LABELS, private=True, attempts=1)
    hub.storm.clear()
    address = push_labels(labels, LABELS, private=True, image_license="cc-by-4.0", teacher_license="cc-by-nc-4.0")
    assert address == f"{hub.url}/datasets/{LABELS}"
    repository = hub.repositories["dataset", LABELS]
    shards = {path.name: path.read_bytes() for path in labels.glob("*.parquet")}
    assert repository.private and len(shards) == 3
    assert {name: repository.files[name] for name in shards} == shards
    assert {"provenance.json", "README.md", "card/samples.png"} <= set(repository.files)
    assert not any(name.startswith("manifest/") for name in repository.files)
    lines = [json.loads(line) for line in repository.files["manifest.jsonl"].splitlines()]
    assert [line["file"] for line in lines] == sorted(shards)
    assert len(open_source(str(labels))) == 8, "the joined manifest is not taken for data"
    uploads = sum(request.method == "PUT" for request in hub.requests)
    push_labels(labels, LABELS, private=True)
    assert sum(request.method == "PUT" for request in hub.requests) == uploads, "no shard is sent twice"


def test_the_data_set_card_says_what_the_labels_are(hub: HubServer, labels: Path, tmp_path: Path) -> None:
    push_labels(labels, LABELS, image_license="cc-by-4.0", teacher_license="cc-by-nc-4.0")
    card = DatasetCard((labels / "README.md").read_text(encoding="utf-8"))
    data = card.data.to_dict()
    assert data["license"] == "cc-by-nc-4.0" and data["task_categories"] == ["depth-estimation"]
    assert data["configs"][0]["data_files"] == [{"split": "train", "path": "labels-*.parquet"}]
    assert data["source_datasets"] == ["owner/photographs"] and data["size_categories"] == ["n<1K"]
    for fact in (
        "| labels | 8 |",
        "(code - 1) * (maximum - minimum) / 65534",
        "sha256 of model.safetensors",
        "`model`",
    ):
        assert fact in card.text
    assert str(tmp_path) not in card.content and TOKEN not in card.content
    assert labels_in(labels)[0]["disparity"].shape == (56, 56)


def test_a_student_of_labels_on_the_hub_knows_their_teacher_and_license(hub: HubServer, labels: Path) -> None:
    push_labels(labels, LABELS, image_license="cc-by-4.0", teacher_license="cc-by-nc-4.0")
    lineage = labels_lineage([LABELS])
    (entry,) = lineage["labels"]
    assert lineage["teacher"] == "model" and entry["license"] == "cc-by-nc-4.0" and len(entry["revision"]) == 40


def test_a_teacher_on_the_hub_is_known_by_its_commit_and_weights(hub: HubServer, model: Path) -> None:
    push_model(MODEL, model)
    first = hub.repositories["model", MODEL].head
    (model / "README.md").write_text("Another commit.")
    push_model(MODEL, model)
    head = hub.repositories["model", MODEL].head
    weights = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
    for revision, commit in ((None, head), (first, first), ("main", head)):
        predictor = DepthPredictor.from_pretrained(MODEL, revision=revision)
        found = describe_teacher(predictor, MODEL)
        assert (found["teacher"], found["revision"]) == (MODEL, commit) and first != head
        assert found["weights_sha256"] == {"model.safetensors": weights}
        assert describe_model(MODEL, predictor.model.config) == {"model": MODEL, "commit": commit}
        assert description_of(predictor, MODEL, EvaluationSettings())["model"] == f"{MODEL}@{commit}"
    from_folder = DepthPredictor.from_pretrained(str(model))
    assert describe_teacher(from_folder, model)["revision"] is None


def test_a_model_of_the_cache_is_opened_from_one_commit_which_the_hub_is_asked_for_once(
    hub: HubServer, model: Path
) -> None:
    push_model(MODEL, model)
    start = ModelArguments(model_name_or_path=MODEL, input_size=TINY_SIDE_PIXELS)
    for opened in (lambda: DepthPredictor.from_pretrained(MODEL), lambda: build_model(start, seed=0)):
        opened()
        hub.requests.clear()
        opened()
        newest = [request.url for request in hub.requests if "/resolve/main/" in request.url]
        by_itself = [f"/{MODEL}/resolve/main/adapter_config.json"] if ASKS_FOR_ADAPTERS_ITSELF else []
        assert [url for url in newest if url not in by_itself] == [f"/{MODEL}/resolve/main/config.json"]


def test_an_engine_asks_the_hub_once_which_commit_it_is(hub: HubServer, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    # The model of the tests of engines, which is converted once for all of them, is taken as that of the Hub.
    folder = tmp_path / "tiny"
    tiny_model().save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(folder)
    push_model(MODEL, folder)
    metadata = DepthPredictor.from_pretrained(str(folder), engine="openvino", device="cpu").model.runner.metadata
    converted, wanted = (entry_of(name) for name in (str(folder), MODEL))
    commit = hub.repositories["model", MODEL].head
    assert wanted.open(1) is None, "that commit is not known"
    assert wanted.save({**metadata, "model_commit": commit}, partial(shutil.copyfile, converted._model))
    for expected in (None, [f"/{MODEL}/resolve/main/config.json"]):
        hub.requests.clear()
        predictor: Any = DepthPredictor.from_pretrained(MODEL, engine="openvino", device="cpu")
        assert predictor.engine == "openvino" and predictor.model.runner.metadata["model_commit"] == commit
        assert expected is None or [request.url for request in hub.requests] == expected


def test_labels_are_pushed_once_and_only_when_they_are_whole(hub: HubServer, labels: Path, tmp_path: Path) -> None:
    shard = labels / "labels-00001-of-00003.parquet"
    sound = shard.read_bytes()
    shard.unlink()
    assert push_labels_when_complete(labels, LABELS) is None
    shard.write_bytes(sound[:-1])
    with pytest.raises(PushError, match=f"1 faults: {shard.name} is damaged .*verify --remove_damaged"):
        push_labels_when_complete(labels, LABELS)
    assert not hub.requests
    shard.write_bytes(sound)
    with ThreadPoolExecutor(3) as pool:
        addresses = list(pool.map(lambda _: push_labels_when_complete(labels, LABELS), range(3)))
    assert set(addresses) - {None} == {f"{hub.url}/datasets/{LABELS}"}
    with FolderLock(labels, name=LABELS_LOCK) as lock:
        assert lock.try_acquire()
        assert push_labels_when_complete(labels, LABELS) is None
    assert not (labels / LABELS_LOCK).exists()


def test_a_downloaded_copy_is_checked_against_the_joined_manifest(
    hub: HubServer, labels: Path, tmp_path: Path
) -> None:
    push_labels(labels, LABELS)
    shutil.rmtree(labels / "manifest")
    shard = labels / "labels-00001-of-00003.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 8
    shard.write_bytes(content)
    report = verify_labels(labels, check_pixels=False)
    assert [name for name, _ in report.damaged] == [shard.name] and report.missing == []


def test_what_cannot_be_pushed_is_refused_in_words(hub: HubServer, labels: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no pseudo-labels: expected .*provenance.json; make them with"):
        push_labels(tmp_path, LABELS)
    with pytest.raises(ValueError, match="cannot name a repository on the Hub: expected owner/name"):
        push_labels(labels, "a/b/c")
    with pytest.raises(PushError, match="may not write to the dataset somebody/labels"):
        push_labels(labels, "somebody/labels")


@pytest.mark.slow
def test_the_same_depth_in_a_process_without_this_package(
    hub: HubServer, model: Path, labels: Path, labelled_folder: Path, tmp_path: Path
) -> None:
    push_model(MODEL, model)
    push_labels(labels, LABELS, image_license="cc-by-4.0")
    place = tmp_path / "elsewhere"
    place.mkdir()
    photograph = Image.open(labelled_folder / "images" / "0.png").convert("RGB")
    # Of the model's own size: this package and stock transformers enlarge the output differently.
    photograph.save(place / "photograph.jpg")
    model_card = hub.repositories["model", MODEL].files["README.md"].decode()
    label_card = hub.repositories["dataset", LABELS].files["README.md"].decode()
    environment = hub_environment(hub, tmp_path / "fresh")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, snippet_of(model_card), snippet_of(label_card)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert sorted(found["rows"]) == [f"{index}.png" for index in range(8)]
    assert found["lineage"]["teacher"] == "teacher"
    predictor = DepthPredictor.from_pretrained(str(model))
    ours = next(iter(predictor([str(place / "photograph.jpg")]))).values
    assert ours is not None
    np.testing.assert_allclose(np.load(place / "disparity.npy"), ours, atol=1e-5)
    row = labels_in(labels)[0]
    np.testing.assert_array_equal(np.load(place / "label.npy").astype(np.float32), row["disparity"])
    np.testing.assert_array_equal(np.load(place / "streamed.npy"), row["disparity"])
    assert TOKEN not in done.stdout + done.stderr + model_card + label_card
    assert not any(TOKEN.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ModelCard(model_card).data.to_dict()["base_model"] == "facebook/dinov2-small"
