# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Several processes from one command line: environments, contradictions, signals and exit codes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
import typer

from depth_anything_hf.cli import launch as launching
from depth_anything_hf.cli.launch import (
    LaunchArguments,
    accelerate_configs,
    environment_of_srun,
    launch,
    plan,
    started_by,
)


LAUNCHER_VARIABLES = (
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID", "ACCELERATE_DYNAMO_BACKEND", "MASTER_ADDR"),
    *("ACCELERATE_USE_DEEPSPEED", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "ACCELERATE_MIXED_PRECISION", "MASTER_PORT"),
    *("ACCELERATE_USE_CPU", launching.LAUNCHED),
)


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LAUNCHER_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def eight_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "_one_gpu_each", lambda processes: True)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(typer.BadParameter) as refused:
        call()
    return refused.value.message


# Where the command runs


def test_nothing_is_started_for_one_process():
    launch(LaunchArguments())
    launch(LaunchArguments(num_processes=1, num_machines=1))


def test_processes_of_one_machine_meet_at_a_free_port():
    first, second = plan(LaunchArguments(num_processes=2))
    assert (first["RANK"], first["LOCAL_RANK"], second["RANK"], second["LOCAL_RANK"]) == ("0", "0", "1", "1")
    assert first["WORLD_SIZE"] == second["WORLD_SIZE"] == first["LOCAL_WORLD_SIZE"] == "2"
    assert first["MASTER_ADDR"] == "127.0.0.1" and first["MASTER_PORT"] == second["MASTER_PORT"]
    again = {plan(LaunchArguments(num_processes=2))[0]["MASTER_PORT"] for _ in range(3)}
    assert len(again | {first["MASTER_PORT"]}) > 1
    assert plan(LaunchArguments(num_processes=2, main_process_port=1234))[0]["MASTER_PORT"] == "1234"


def test_without_a_gpu_processes_join_on_the_cpu_and_share_its_cores(monkeypatch):
    monkeypatch.setattr(launching, "_one_gpu_each", lambda processes: False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 8)
    for environment in plan(LaunchArguments(num_processes=2)):
        assert environment["ACCELERATE_USE_CPU"] == "true" and environment["OMP_NUM_THREADS"] == "4"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert plan(LaunchArguments(num_processes=2))[0]["OMP_NUM_THREADS"] == "1"


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr("torch.accelerator.is_available", lambda: True)
    monkeypatch.setattr("torch.accelerator.device_count", lambda: 1)
    text = refusal(lambda: plan(LaunchArguments(num_processes=2)))
    assert "2 processes on a machine with 1 GPU(s)" in text and "--accelerate_config cpu --num_processes 2" in text
    on_cpu = plan(LaunchArguments(num_processes=2, accelerate_config="cpu"))
    assert [each["ACCELERATE_USE_CPU"].lower() for each in on_cpu] == ["true", "true"]


def test_machines(eight_gpus):
    arguments = LaunchArguments(num_processes=4, num_machines=2, machine_rank=1, main_process_ip="10.0.0.1")
    environments = plan(arguments)
    assert [(each["RANK"], each["LOCAL_RANK"]) for each in environments] == [("2", "0"), ("3", "1")]
    assert {each["MASTER_ADDR"] for each in environments} == {"10.0.0.1"}
    assert {each["MASTER_PORT"] for each in environments} == {"29500"}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"num_processes": 0}, "num_processes is 0, expected at least 1"),
        ({"machine_rank": -1, "num_machines": 2}, "machine_rank is -1, expected 0 for the first machine"),
        ({"main_process_port": 65536}, "main_process_port is 65536, expected 1 to 65535"),
    ],
)
def test_numbers_out_of_range_are_refused(given, text):
    with pytest.raises(ValueError, match=text):
        LaunchArguments(**given)


@pytest.mark.parametrize("given", [{"machine_rank": 1}, {"main_process_ip": "10.0.0.1", "num_processes": 2}])
def test_what_several_machines_need_is_refused_for_one(given):
    text = refusal(lambda: launch(LaunchArguments(**given)))
    assert "is for several machines; say how many with --num_machines" in text


def test_a_port_in_use_is_named_before_anything_waits_for_it(monkeypatch):
    monkeypatch.setattr(launching, "_one_gpu_each", lambda processes: False)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = refusal(lambda: plan(LaunchArguments(num_processes=2, main_process_port=port)))
        assert f"port {port} of this machine cannot be used" in text and "--main_process_port" in text
        second = LaunchArguments(
            num_processes=2, num_machines=2, machine_rank=1, main_process_ip="10.0.0.1", main_process_port=port
        )
        assert plan(second)[0]["MASTER_PORT"] == str(port)
    assert plan(LaunchArguments(num_processes=2, main_process_port=port))[0]["MASTER_PORT"] == str(port)


def test_far_more_processes_than_cores_are_refused(monkeypatch):
    monkeypatch.setattr(launching, "_one_gpu_each", lambda processes: False)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert "expected at most 8" in refusal(lambda: plan(LaunchArguments(num_processes=1000)))
    assert len(plan(LaunchArguments(num_processes=8))) == 8


@pytest.mark.parametrize("text", ["", "- a\n", "a: [1"])
def test_a_configuration_that_is_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / "accelerate.yaml"
    path.write_text(text)
    assert f"--accelerate_config {path} " in refusal(lambda: plan(LaunchArguments(accelerate_config=str(path))))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (LaunchArguments(num_processes=3, num_machines=2, main_process_ip="a"), "3 is not divisible by 2 machines"),
        (LaunchArguments(num_processes=2, num_machines=2), "needs --main_process_ip"),
        (
            LaunchArguments(num_processes=2, num_machines=2, machine_rank=2, main_process_ip="a"),
            "--machine_rank is 2, expected 0 to 1",
        ),
        (LaunchArguments(accelerate_config="nowhere"), "neither a file nor one of cpu, ddp, deepspeed_zero2, fsdp2"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(eight_gpus, arguments, text):
    assert text in refusal(lambda: plan(arguments))


# Configurations of accelerate


def test_a_configuration_gives_processes_and_engine_but_no_precision(eight_gpus, monkeypatch):
    environments = plan(LaunchArguments(accelerate_config="fsdp2"))
    assert len(environments) == 8
    for environment in environments:
        assert environment["ACCELERATE_USE_FSDP"] == "true" and environment["FSDP_VERSION"] == "2"
        assert environment["FSDP_TRANSFORMER_CLS_TO_WRAP"] == "Dinov2Layer,DepthAnythingNeck,DepthAnythingHead"
        assert "ACCELERATE_MIXED_PRECISION" not in environment and "ACCELERATE_USE_CPU" not in environment
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    assert plan(LaunchArguments(accelerate_config="ddp"))[0]["ACCELERATE_MIXED_PRECISION"] == "fp16"


def test_flags_win_over_the_configuration(eight_gpus):
    assert len(plan(LaunchArguments(accelerate_config="ddp", num_processes=2))) == 2
    arguments = LaunchArguments(accelerate_config="two_nodes", machine_rank=1, main_process_ip="10.0.0.1")
    environments = plan(arguments)
    assert [each["RANK"] for each in environments] == [str(rank) for rank in range(8, 16)]
    assert environments[0]["MASTER_ADDR"] == "10.0.0.1" and environments[0]["WORLD_SIZE"] == "16"


def test_a_configuration_may_be_a_file(tmp_path, eight_gpus):
    file = tmp_path / "mine.yaml"
    file.write_text(accelerate_configs()["ddp"].read_text().replace("num_processes: 8", "num_processes: 3"))
    assert len(plan(LaunchArguments(accelerate_config=str(file)))) == 3


def test_a_configuration_that_accelerate_cannot_use_is_refused(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(accelerate_configs()["ddp"].read_text() + "num_procesess: 3\n")
    text = refusal(lambda: plan(LaunchArguments(accelerate_config=str(file))))
    assert "accelerate cannot use" in text and "num_procesess" in text
    file.write_text("a: [1, 2")
    assert "cannot be read as YAML" in refusal(lambda: plan(LaunchArguments(accelerate_config=str(file))))


def test_sharding_needs_gpus(monkeypatch):
    monkeypatch.setattr(launching, "_one_gpu_each", lambda processes: False)
    assert "by FSDP, which needs GPUs" in refusal(lambda: plan(LaunchArguments(accelerate_config="fsdp2")))
    assert "needs DeepSpeed" in refusal(lambda: plan(LaunchArguments(accelerate_config="deepspeed_zero2")))


# Joining a launcher


def test_who_started_this_process(monkeypatch):
    assert started_by() is None
    monkeypatch.setenv("SLURM_PROCID", "0")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    assert started_by() is None
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    assert started_by() == "srun"
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert started_by() == "a launcher"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert started_by() == "torchrun"
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "NO")
    assert started_by() == "accelerate launch"
    monkeypatch.setenv(launching.LAUNCHED, "1")
    assert started_by() == "depth-anything-hf"


def test_under_a_launcher_the_process_joins_and_contradictions_are_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    launch(LaunchArguments())
    launch(LaunchArguments(num_processes=4))
    text = refusal(lambda: launch(LaunchArguments(num_processes=8)))
    assert "--num_processes is 8, but torchrun started 4" in text
    text = refusal(lambda: launch(LaunchArguments(accelerate_config="ddp", machine_rank=0)))
    assert "--accelerate_config, --machine_rank cannot be combined with torchrun" in text


def test_a_task_of_srun_gets_what_torch_reads(monkeypatch):
    slurm = {"SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_STEP_NUM_TASKS": "4", "SLURM_JOB_ID": "20007"}
    found = environment_of_srun({**slurm, "SLURM_STEP_NODELIST": "gpu[003-004,7],other"})
    expected = {"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "gpu003", "MASTER_PORT": "20007"}
    assert found == expected
    assert environment_of_srun({**slurm, "SLURM_STEP_NODELIST": "a-1,b"})["MASTER_ADDR"] == "a-1"
    assert environment_of_srun({**slurm, "SLURM_STEP_ID": "1"})["MASTER_PORT"] != "20007"
    for name, value in {**slurm, "SLURM_STEP_NODELIST": "n[1-2]"}.items():
        monkeypatch.setenv(name, value)
    for name in expected:
        monkeypatch.setenv(name, "")
    launch(LaunchArguments())
    assert {name: os.environ[name] for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR")} == {
        "RANK": "3",
        "WORLD_SIZE": "4",
        "MASTER_ADDR": "n1",
    }


# Processes


@pytest.mark.slow
def test_the_command_line_is_run_again_on_each_process(tmp_path):
    """Two processes, started by the console program, meet in one process group."""
    script = tmp_path / "main.py"
    script.write_text(
        "import sys, types\n"
        "from depth_anything_hf.cli.launch import LaunchArguments, launch\n"
        "launch(LaunchArguments(num_processes=2))\n"
    )
    command = [sys.executable, "-c", "import sys; sys.argv[1:] = ['--version']; exec(open(sys.stdin.read()).read())"]
    done = subprocess.run(command, input=str(script), capture_output=True, text=True, timeout=120)
    assert done.stdout.count("depth_anything_hf 0") == 2, done.stderr
