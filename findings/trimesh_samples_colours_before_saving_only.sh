#!/usr/bin/env bash
# `trimesh.sample.sample_surface(mesh, n, sample_color=True)` returns points with the colours of the picture on the
# mesh, as long as the mesh is the one in memory. Once it has been through a GLB file (the form in which depth maps
# are exported as meshes), its material is a PBRMaterial, which keeps the picture as `baseColorTexture`, and the same
# call ends with an AttributeError. `mesh.visual.to_color()` reads both, by vertex.
#
# Versions: trimesh 5.2.0, Pillow 13.0.0, numpy 2.4.6, scipy 1.17.1, Python 3.11.
# Seen on 2026-11-29, a box with a picture of one colour (9, 200, 30):
#   in memory: SimpleMaterial, colours [[9, 200, 30, 255]]
#   from GLB: PBRMaterial, AttributeError: 'PBRMaterial' object has no attribute 'image'
#   from GLB, colours of vertices: [[9, 200, 30, 255]]
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet trimesh==5.2.0 pillow==13.0.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import trimesh
from PIL import Image


seen = []


def note(name, mesh):
    try:
        colours = np.unique(trimesh.sample.sample_surface(mesh, 50, sample_color=True, seed=0)[2], axis=0).tolist()
        result = f"{type(mesh.visual.material).__name__}, colours {colours}"
    except AttributeError as error:
        result = f"{type(mesh.visual.material).__name__}, AttributeError: {error}"
    print(f"{name}: {result}")
    seen.append(result)


box = trimesh.creation.box()
box.visual = trimesh.visual.TextureVisuals(uv=np.zeros((8, 2)), image=Image.new("RGB", (4, 4), (9, 200, 30)))
note("in memory", box)
(loaded,) = trimesh.load_scene(io.BytesIO(box.export(file_type="glb")), file_type="glb").geometry.values()
note("from GLB", loaded)
vertices = np.unique(loaded.visual.to_color().vertex_colors, axis=0).tolist()
print(f"from GLB, colours of vertices: {vertices}")
expected = [
    "SimpleMaterial, colours [[9, 200, 30, 255]]",
    "PBRMaterial, AttributeError: 'PBRMaterial' object has no attribute 'image'",
]
sys.exit(0 if seen == expected and vertices == [[9, 200, 30, 255]] else 1)
PYTHON
