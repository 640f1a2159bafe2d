# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Draw the way from synthetic scenes to a published student as SVG, for the site and the README.

python docs/figures/road.py            # writes docs/pictures/road.svg
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape


OUTPUT = Path(__file__).parents[1] / "pictures" / "road.svg"
WIDTH, HEIGHT = 904, 338
BOX_WIDTH, BOX_HEIGHT = 196, 116
ROW = 16, 206
TITLE = "From synthetic scenes to a published depth model"
DESCRIPTION = (
    "Rendered scenes with exact depth train a teacher. The teacher labels real photographs. The labels train a small "
    "student, which predicts disparity, is fine-tuned to metres, evaluated and compared, exported, and published."
)
# Data is blue and rounded, models are orange and square: told apart without colour as well.
STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1b1f24; }
.name { font-size: 19px; font-weight: 600; }
.what { font-size: 15px; }
.command { font-family: ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; font-size: 14.5px; }
.command { fill: #0b4f8a; }
.data { fill: #e4effb; stroke: #2b6cb0; stroke-width: 1.6; }
.model { fill: #fdeedd; stroke: #b45f06; stroke-width: 1.6; }
.use { fill: #f2f2f2; stroke: #767676; stroke-width: 1.6; }
.arrow { stroke: #57606a; stroke-width: 2; fill: none; marker-end: url(#head); }
.head { fill: #57606a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .command { fill: #8cc2ff; }
  .data { fill: #12283d; stroke: #6cb0f5; }
  .model { fill: #3a2610; stroke: #f0a04b; }
  .use { fill: #24292f; stroke: #9aa4ae; }
  .arrow { stroke: #9aa4ae; }
  .head { fill: #9aa4ae; }
}
"""


@dataclass
class Box:
    """A step of the way: where it stands, and what is written in it."""

    x: int
    y: int
    kind: str
    name: str
    what: str
    command: str

    def draw(self) -> str:
        """Return the box and its three lines as SVG."""
        radius = {"data": 16, "model": 2, "use": 8}[self.kind]
        middle = self.x + BOX_WIDTH / 2
        lines = [
            f'<rect class="{self.kind}" x="{self.x}" y="{self.y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" '
            f'rx="{radius}"/>'
        ]
        for style, text, down in (("name", self.name, 36), ("what", self.what, 63), ("command", self.command, 93)):
            lines.append(
                f'<text class="{style}" x="{middle}" y="{self.y + down}" text-anchor="middle">{escape(text)}</text>'
            )
        return "\n".join(lines)


def boxes() -> list[Box]:
    """Return the steps: the upper row from left to right, then the lower one."""
    left, step = 6, 232
    columns = [left + step * index for index in range(4)]
    upper, lower = ROW
    return [
        Box(columns[0], upper, "data", "Synthetic scenes", "exact depth, every pixel", "render"),
        Box(columns[1], upper, "model", "Teacher", "DINOv2 + DPT", "train"),
        Box(columns[2], upper, "data", "Photographs", "labelled by the teacher", "pseudo-label"),
        Box(columns[3], upper, "model", "Student", "small, on these labels", "distill"),
        Box(columns[3], lower, "use", "Disparity", "photos, videos, points", "predict"),
        Box(columns[2], lower, "model", "Metric model", "metres, own camera", "finetune"),
        Box(columns[1], lower, "use", "Scores", "pinned protocols", "evaluate, compare"),
        Box(columns[0], lower, "use", "Published", "Hub, ONNX, OpenVINO", "export, --push_to_hub"),
    ]


def arrows(steps: list[Box]) -> list[str]:
    """Return the arrows between neighbouring steps."""
    drawn = []
    for start, end in pairwise(steps):
        if start.y == end.y:
            forwards = start.x < end.x
            first = start.x + BOX_WIDTH if forwards else start.x
            last = end.x - 8 if forwards else end.x + BOX_WIDTH + 8
            y = start.y + BOX_HEIGHT / 2
            drawn.append(f'<path class="arrow" d="M{first} {y} H{last}"/>')
        else:
            x = start.x + BOX_WIDTH / 2
            drawn.append(f'<path class="arrow" d="M{x} {start.y + BOX_HEIGHT} V{end.y - 8}"/>')
    return drawn


def figure() -> str:
    """Return the whole figure as SVG."""
    steps = boxes()
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="road-title road-description">',
        f'<title id="road-title">{escape(TITLE)}</title>',
        f'<desc id="road-description">{escape(DESCRIPTION)}</desc>',
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="2" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        *arrows(steps),
        *(step.draw() for step in steps),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(figure(), encoding="utf-8")
    print(f"{OUTPUT.relative_to(Path.cwd()) if OUTPUT.is_relative_to(Path.cwd()) else OUTPUT}: {TITLE}")
