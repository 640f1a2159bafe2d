# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of depth as devices and data sets write them: by Pillow, h5py, tifffile or byte by byte, never by OpenCV."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image


ALL_CODES = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
MAGIC_XMP, MAGIC_EXTENDED = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
GUID = b"0123456789ABCDEF0123456789ABCDEF"


def png(stored: np.ndarray) -> bytes:
    """A PNG by Pillow: 8 or 16 bits of grey, or 8 bits of RGB or RGBA."""
    stream = io.BytesIO()
    Image.fromarray(stored).save(stream, "PNG")
    return stream.getvalue()


def png_of_channels(stored: np.ndarray) -> bytes:
    """A PNG (H, W, 3) of 16 bits, byte by byte: Pillow has none."""
    height, width, channels = stored.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in stored)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pgm(stored: np.ndarray, order: str = ">") -> bytes:
    """A binary PGM of 16 bits, byte by byte; its order of bytes is ">"."""
    height, width = stored.shape
    return f"P5\n{width} {height}\n65535\n".encode() + stored.astype(f"{order}u2").tobytes()


def rvl(stored: np.ndarray) -> bytes:
    """RVL of a map of 16 bits, number by number, after its paper."""
    values, groups = [int(value) for value in stored.ravel()], []

    def write(number: int) -> None:
        while number >= 8:
            groups.append(number & 7 | 8)
            number >>= 3
        groups.append(number)

    place, before = 0, 0
    while place < len(values):
        first = next((each for each in range(place, len(values)) if values[each]), len(values))
        end = next((each for each in range(first, len(values)) if not values[each]), len(values))
        write(first - place)
        write(end - first)
        for value in values[first:end]:
            difference = value - before
            write(2 * difference if difference >= 0 else -2 * difference - 1)
            before = value
        place = end
    groups += [0] * (-len(groups) % 8)
    words = [
        int("".join(f"{group:x}" for group in groups[start : start + 8]), 16) for start in range(0, len(groups), 8)
    ]
    return struct.pack(f"<{len(words)}I", *words)


def pfm(values: np.ndarray) -> bytes:
    """A little-endian PFM, the bottom row first."""
    height, width = values.shape
    return f"Pf\n{width} {height}\n-1.0\n".encode() + values[::-1].astype("<f4").tobytes()


def tiff(stored: np.ndarray, **options: object) -> bytes:
    """A TIFF by tifffile, which comes with scikit-image."""
    import tifffile

    stream = io.BytesIO()
    tifffile.imwrite(stream, stored, **options)
    return stream.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def hdf5(**arrays: np.ndarray) -> bytes:
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip")
    return stream.getvalue()


def dpt(values: np.ndarray) -> bytes:
    height, width = values.shape
    return struct.pack("<fii", 202021.25, width, height) + values.astype("<f4").tobytes()


def colmap(values: np.ndarray, channels: int = 1) -> bytes:
    height, width = values.shape[:2]
    return f"{width}&{height}&{channels}&".encode() + values.astype("<f4").tobytes()


def openmvs(
    depth: np.ndarray, image_size: tuple[int, int], matrix: np.ndarray, confidence: np.ndarray | None = None
) -> bytes:
    """A `.dmap` with normals, and confidence where it is given; `image_size` is (width, height)."""
    height, width = depth.shape
    name, views = b"images/a.jpg", (3, 1, 2)
    kinds = 1 | 2 | (4 if confidence is not None else 0)
    return b"".join(
        [
            b"DR" + struct.pack("<BB", kinds, 0),
            struct.pack("<4I2f", *image_size, width, height, 0.5, 99.0),
            struct.pack("<H", len(name)) + name + struct.pack("<4I", len(views), *views),
            matrix.astype("<f8").tobytes() + np.eye(3).tobytes() + np.zeros(3).tobytes(),
            depth.astype("<f4").tobytes(),
            np.zeros((height, width, 3), "<f4").tobytes(),
            b"" if confidence is None else confidence.astype("<f4").tobytes(),
        ]
    )


def jpeg(size: tuple[int, int] = (32, 24), segments: Sequence[bytes] = (), grey: np.ndarray | None = None) -> bytes:
    """A JPEG by Pillow with further APP1 segments; `size` is (width, height), `grey` the picture."""
    stream = io.BytesIO()
    picture = Image.new("RGB", size, (90, 120, 30)) if grey is None else Image.fromarray(grey)
    picture.save(stream, "JPEG", quality=100)
    content = stream.getvalue()
    added = b"".join(b"\xff\xe1" + struct.pack(">H", len(each) + 2) + each for each in segments)
    return content[:2] + added + content[2:]


def xmp(properties: str, body: str = "") -> bytes:
    """An XMP packet with attributes, and elements below them."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {properties}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def gdepth(picture: bytes, properties: str, part: int = 60000, shuffled: bool = False) -> bytes:
    """A JPEG with GDepth in Extended XMP, in parts of so many bytes, which may stand in another order."""
    data = base64.b64encode(picture).decode()
    space = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"'
    extended = xmp(f'{space} GDepth:Mime="image/png" GDepth:Data="{data}"')
    note = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{GUID.decode()}"'
    parts = [
        MAGIC_EXTENDED + GUID + struct.pack(">II", len(extended), start) + extended[start : start + part]
        for start in range(0, len(extended), part)
    ]
    own = MAGIC_XMP + xmp(f"{space} {properties} {note}")
    return jpeg(segments=[own, *(reversed(parts) if shuffled else parts)])


def dynamic_depth(
    picture: bytes,
    properties: str,
    mime: str = "image/jpeg",
    gain: bytes | None = None,
    *,
    primary_length: int = 0,
    in_elements: bool = False,
) -> bytes:
    """A JPEG with a gain map and then a depth map behind it, as Dynamic Depth has them.

    The list of what is behind it may have attributes or elements, and the length of the photograph itself.
    """
    names = "".join(
        f' xmlns:{name}="http://ns.google.com/photos/dd/1.0/{place}/"'
        for name, place in (("Container", "container"), ("Item", "item"), ("DepthMap", "depthmap"))
    )
    gain = jpeg((8, 8)) if gain is None else gain
    item = (
        '<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="{}" Item:Length="{}" Item:DataURI="{}"/></rdf:li>'
    )
    if in_elements:
        values = "".join(f"<Item:{name}>{{}}</Item:{name}>" for name in ("Mime", "Length", "DataURI"))
        item = f'<rdf:li><Container:Item rdf:parseType="Resource">{values}</Container:Item></rdf:li>'
    items = "".join(
        item.format(kind, length, uri)
        for kind, length, uri in (
            ("image/jpeg", primary_length, "primary"),
            ("image/jpeg", len(gain), "gain"),
            (mime, len(picture), "android/depthmap"),
        )
    )
    body = f"<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>"
    semantic = "" if "ItemSemantic" in properties else 'DepthMap:ItemSemantic="Depth"'
    told = xmp(f'{names} {properties} DepthMap:DepthURI="android/depthmap" {semantic}', body)
    return jpeg(segments=[MAGIC_XMP + told]) + gain + picture


def apple_jpeg(codes: np.ndarray, kind: str, low: float, high: float, further: str = "") -> bytes:
    """A JPEG with a matte and then an auxiliary image behind it, as portraits of an iPhone have them."""
    space = 'xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/"'
    matte = jpeg((8, 8), [MAGIC_XMP + xmp(f'{space} apdi:AuxiliaryImageType="portraiteffectsmatte"')])
    told = f'{space} apdi:AuxiliaryImageType="{kind}" apdi:FloatMinValue="{low}" apdi:FloatMaxValue="{high}"'
    told = f"{told} {further}"
    return jpeg() + matte + jpeg(segments=[MAGIC_XMP + xmp(told)], grey=codes)
