# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels of a Ray cluster of two nodes, with killed actors, a lost node and an interrupt, are those of one process."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from label_runs import contents, random_image, tiny_predictor
from PIL import Image

from depth_anything_hf.pseudo_labels.verify import verify_labels


pytestmark = pytest.mark.slow
PHOTOGRAPHS, SHARD_SIZE = 48, 2
PROGRAM = """
import json, sys
from depth_anything_hf.pseudo_labels.ray_arguments import RayArguments
from depth_anything_hf.pseudo_labels.runner import LabelArguments, label
options = json.loads(sys.argv[1])
fleet = options.pop("fleet")
arguments = LabelArguments(**options)
if fleet is None:
    report = label(arguments)
else:
    from depth_anything_hf.pseudo_labels.ray_driver import label_on_ray
    report = label_on_ray(arguments, RayArguments(**fleet))
print("REPORT", json.dumps([report.labelled, report.labelled_now, report.skipped, len(report.shards)]))
"""


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'depth_anything_hf[ray]'")
    settings = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
        # Ray's workers give way to all else by default, which takes minutes on a busy machine.
        "RAY_worker_niceness": "0",
        "DEPTH_ANYTHING_HF_CPU_KERNELS": "off",
        "OMP_NUM_THREADS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield settings


@pytest.fixture(scope="module")
def cluster(environment: dict[str, str]) -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(**{**node, "num_cpus": 1})
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("fleet")
    (place / "photos").mkdir()
    for number in range(PHOTOGRAPHS):
        Image.fromarray(random_image((120, 160), number)).save(place / "photos" / f"{number}.jpg")
    (place / "photos" / "5.jpg").write_bytes(b"no picture")
    predictor = tiny_predictor()
    predictor.model.save_pretrained(place / "teacher")
    predictor.processor.save_pretrained(place / "teacher")
    return {
        **{"teacher": str(place / "teacher"), "data": str(place / "photos"), "shard_size": SHARD_SIZE},
        **{"device": "cpu", "input_size": 280, "flip_averaging": True},
    }


def start(options: dict[str, Any], folder: Path, fleet: dict[str, Any] | None) -> subprocess.Popen[str]:
    words = json.dumps({**options, "output_dir": str(folder), "fleet": fleet})
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def report_of(process: subprocess.Popen[str]) -> list[Any]:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-4000:]
    line = next(line for line in output.splitlines() if line.startswith("REPORT"))
    return list(json.loads(line.removeprefix("REPORT")))


@pytest.fixture(scope="module")
def plain(options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    folder = tmp_path_factory.mktemp("plain") / "labels"
    return folder, report_of(start(options, folder, None))


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 200
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def shards(folder: Path) -> int:
    return len(list(folder.glob("*.parquet")))


def actors() -> list[psutil.Process]:
    return [
        one
        for one in psutil.process_iter(["name", "cmdline"])
        if "ray::MapWorker" in " ".join(one.info["cmdline"] or ())
    ]


def unchanged_since(folder: Path, earlier: dict[str, tuple[int, int]]) -> bool:
    now = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*.parquet")}
    return all(now[name] == value for name, value in earlier.items())


def test_a_killed_actor_and_a_lost_node_lose_and_double_nothing(
    cluster: Any, options: dict[str, Any], plain: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "labels"
    process = start(options, folder, {"scheduler": "ray", "address": cluster.address, "cores_per_actor": 1})
    wait_until(lambda: shards(folder) >= 2, process)
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*.parquet")}
    actors()[0].kill()
    wait_until(lambda: shards(folder) >= 6, process)
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    assert shards(folder) < PHOTOGRAPHS // SHARD_SIZE, "the run was over before the node was lost"
    labelled, _, skipped, files = report_of(process)
    assert [labelled, skipped, files] == [plain[1][0], plain[1][2], plain[1][3]]
    assert labelled == PHOTOGRAPHS - 1 and len(skipped) == 1 and files == PHOTOGRAPHS // SHARD_SIZE
    assert contents(folder) == contents(plain[0])
    assert unchanged_since(folder, before)
    assert verify_labels(folder).is_sound
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_driver_that_ends_leaves_whole_shards_that_one_process_goes_on_from(
    cluster: Any, options: dict[str, Any], plain: tuple[Path, list[Any]], tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "labels"
    process = start(options, folder, {"scheduler": "ray", "address": cluster.address, "cores_per_actor": 1})
    wait_until(lambda: shards(folder) >= 2, process)
    working = actors()
    # While they are stopped, the work that is left stays so, however long the signal takes.
    for actor in working:
        actor.suspend()
    done = shards(folder)
    assert working and 2 <= done < PHOTOGRAPHS // SHARD_SIZE, "the run was over before the signal"
    process.send_signal(number)
    _, errors = process.communicate(timeout=100)
    assert process.returncode not in (0, None) and shards(folder) == done
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in errors and not list(folder.glob(".ray-*"))
    else:
        assert process.returncode == -number and len(list(folder.glob(".ray-*"))) == 1
    for actor in working:
        with suppress(psutil.NoSuchProcess):
            actor.resume()
    psutil.wait_procs(working, timeout=100)
    labelled, now, skipped, files = report_of(start(options, folder, None))
    assert [labelled, skipped, files] == [plain[1][0], plain[1][2], plain[1][3]] and now < labelled
    assert contents(folder) == contents(plain[0])
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.long
def test_a_cluster_that_loses_actors_goes_on_where_one_process_was_killed(
    cluster: Any, options: dict[str, Any], plain: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "labels"
    process = start(options, folder, None)
    wait_until(lambda: shards(folder) >= 2, process)
    process.kill()
    process.communicate()
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*.parquet")}
    process = start(options, folder, {"scheduler": "ray", "address": cluster.address, "cores_per_actor": 1})
    for more in (1, 4):
        wait_until(lambda more=more: shards(folder) >= len(before) + more, process)  # type: ignore[misc]
        random.choice(actors()).kill()
    assert shards(folder) < PHOTOGRAPHS // SHARD_SIZE, "the run was over before an actor was killed"
    labelled, now, skipped, files = report_of(process)
    assert [labelled, skipped, files] == [plain[1][0], plain[1][2], plain[1][3]] and now < labelled
    assert contents(folder) == contents(plain[0]) and unchanged_since(folder, before)
    assert verify_labels(folder).is_sound
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
