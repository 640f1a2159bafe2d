#!/usr/bin/env bash
# Points in map coordinates collapse when trimesh writes them as PLY. trimesh holds vertices in float64 and reads
# `property double` in full, but its own PLY says `property float`, binary or ASCII, for point clouds and meshes, without
# a word and without an option. float32 has steps of 0.03 m at 431 km (easting of UTM) and of 0.5 m at 5,412 km
# (northing): a wall that was measured to the millimetre comes back as sheets half a metre apart. Scans with a geographic
# origin have such numbers. Subtract an origin first and keep it beside the file. Its export to XYZ has all digits.
#
# Versions: trimesh 5.2.0, numpy 2.4.6, Python 3.11, Linux.
# Seen on 2026-11-29, with 201 points 1 cm apart along the northing:
#   ply, binary: property float, 5 different points of 201, off by up to 0.250 m
#   ply, ascii: property float, 5 different points of 201, off by up to 0.250 m
#   ply, mesh: property float, 5 different points of 201, off by up to 0.250 m
#   ply by hand in double, read by trimesh: 201 different points of 201, off by up to 0.000 m
#   xyz: 201 different points of 201, off by up to 0.000 m
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet trimesh==5.2.0 numpy==2.4.6
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import trimesh

northing = 5_411_870.0 + np.arange(201) / 100
points = np.stack([np.full(201, 431_250.25), northing, np.full(201, 312.5)], axis=1)
cloud = trimesh.PointCloud(points)
# A strip of triangles over the same vertices.
faces = np.arange(199)[:, None] + np.arange(3)
strip = trimesh.Trimesh(points, faces, process=False)
header = "ply\nformat binary_little_endian 1.0\nelement vertex 201\n"
header += "".join(f"property double {axis}\n" for axis in "xyz") + "end_header\n"


def both(data):
    return data if isinstance(data, bytes) else data.encode()


files = {
    "ply, binary": both(cloud.export(file_type="ply")),
    "ply, ascii": both(cloud.export(file_type="ply", encoding="ascii")),
    "ply, mesh": both(strip.export(file_type="ply")),
    "ply by hand in double, read by trimesh": header.encode() + points.astype("<f8").tobytes(),
    "xyz": both(cloud.export(file_type="xyz")),
}
seen = {}
for name, data in files.items():
    kind = "xyz" if name == "xyz" else "ply"
    back = np.asarray(trimesh.load(io.BytesIO(data), file_type=kind, process=False).vertices)
    error = f"{np.abs(back - points).max():.3f}"
    single = b"property float x" in data
    seen[name] = (single, len(np.unique(back[:, 1])), error)
    kept = f"{seen[name][1]} different points of 201, off by up to {error} m"
    print(f"{name}: {'property float, ' if single else ''}{kept}")
collapsed, exact = (True, 5, "0.250"), (False, 201, "0.000")
sys.exit(0 if list(seen.values()) == [collapsed, collapsed, collapsed, exact, exact] else 1)
PYTHON
