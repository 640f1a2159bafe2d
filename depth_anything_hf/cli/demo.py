# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`demo`: arguments and messages; the work is in `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DEFAULT_MODEL, OUTPUT, DeviceOption, DtypeOption, EngineOption, InputSizeOption, VerboseOption


SERVER, LIMITS = "Server", "Limits"


def demo(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="Depth models: ids on the Hub, folders, or exported files; users choose among them. "
            f"[{DEFAULT_MODEL}]",
        ),
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(
            "--runs",
            help="A run folder, or a folder of them, that a tab shows as trainings go on.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    input_size: InputSizeOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    engine: EngineOption = "auto",
    colormap: Annotated[
        str | None,
        typer.Option(
            "--colormap",
            help="Colours at first, by matplotlib's names: inferno, cividis, viridis, gray, ... [inferno]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    server_port: Annotated[
        int | None,
        typer.Option("--server_port", min=1, max=65535, help="[the first free one from 7860]", rich_help_panel=SERVER),
    ] = None,
    server_name: Annotated[
        str,
        typer.Option(
            "--server_name",
            help="Address to listen at; 0.0.0.0 lets other machines of the network in.",
            rich_help_panel=SERVER,
        ),
    ] = "127.0.0.1",
    inbrowser: Annotated[
        bool, typer.Option("--inbrowser", help="Open the demo in the browser.", rich_help_panel=SERVER)
    ] = False,
    share: Annotated[
        bool,
        typer.Option(
            "--share",
            help="Let anyone who knows the address in, through a server of Hugging Face, which sees all pictures.",
            rich_help_panel=SERVER,
        ),
    ] = False,
    max_pixels: Annotated[
        int, typer.Option("--max_pixels", help="Largest number of pixels of a picture.", rich_help_panel=LIMITS)
    ] = 25_000_000,
    max_file_mb: Annotated[
        float, typer.Option("--max_file_mb", help="Largest upload, megabytes.", rich_help_panel=LIMITS)
    ] = 100.0,
    queue_size: Annotated[
        int,
        typer.Option("--queue_size", help="Requests that may wait; others are refused.", rich_help_panel=LIMITS),
    ] = 32,
    keep_minutes: Annotated[
        int,
        typer.Option("--keep_minutes", help="How long files and results are kept.", rich_help_panel=LIMITS),
    ] = 60,
    verbose: VerboseOption = False,
) -> None:
    """Show depth in the browser: upload a picture, read values under the pointer, download files.

    Everything runs on this machine: the page loads nothing from elsewhere, and sends no usage data. Uploads and
    results are in a temporary folder, removed after --keep_minutes and at the end (Ctrl-C). Users see their own
    results only. Of a relative model, metres follow from distances that are measured and clicked.

    Needs `pip install "depth_anything_hf[demo]"`.

    \b
    Examples:
      depth-anything-hf demo --inbrowser
      depth-anything-hf demo runs/student
      depth-anything-hf demo runs/student/best --runs runs/
      depth-anything-hf demo runs/teacher runs/student depth-anything/Depth-Anything-V2-Small-hf
      depth-anything-hf demo runs/metric --server_name 0.0.0.0 --server_port 8080 --max_pixels 4000000
    """
    from ..demo.app import run_demo
    from ..demo.settings import DemoSettings
    from ..inference.devices import check_device
    from ..utils.quiet import quiet_libraries
    from ..visualization.colour_tables import DEFAULT_COLOUR_MAP

    settings = DemoSettings(
        models=tuple(models or [DEFAULT_MODEL]),
        runs=runs,
        input_size=input_size,
        device=device,
        dtype=dtype,
        engine=engine,
        colormap=DEFAULT_COLOUR_MAP if colormap is None else colormap,
        max_pixels=max_pixels,
        max_file_mb=max_file_mb,
        queue_size=queue_size,
        keep_minutes=keep_minutes,
    )
    check_device(device)
    quiet_libraries(verbose, when_imported=True)

    def tell(address: str) -> None:
        typer.echo(f"{address} (Ctrl-C ends it)")

    run_demo(settings, tell, server_name=server_name, server_port=server_port, inbrowser=inbrowser, share=share)
