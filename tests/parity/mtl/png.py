# PNGs of every kind that is read, packed here from the standard (RFC 2083) with the numbers they hold, each decoded by Pillow too
# where it keeps all bits; and one that our writer must read back from Pillow's hands.
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image

rng = np.random.default_rng(6)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def rows(samples, bits):
    """Filter 0 (rows of even number) or filter 1, Sub (odd): [height, width, channels] to bytes."""
    out = b""
    for y, row in enumerate(samples):
        flat = row.reshape(-1)
        if bits == 16:
            packed = b"".join(struct.pack(">H", v) for v in flat)
        elif bits == 8:
            packed = bytes(flat.tolist())
        else:
            text = "".join(format(v, "0%db" % bits) for v in flat)
            text += "0" * (-len(text) % 8)
            packed = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        step = max(1, row.shape[-1] * bits // 8)
        if y % 2 == 0:
            out += b"\0" + packed
        else:
            out += b"\1" + bytes((v - (packed[i - step] if i >= step else 0)) & 255 for i, v in enumerate(packed))
    return out


def png(samples, bits, colour, palette=None, interlaced=False, pieces=1):
    height, width = samples.shape[:2]
    if interlaced:
        raw = b"".join(rows(samples[y::dy, x::dx], bits) for x, y, dx, dy in
                       ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
                       if samples[y::dy, x::dx].size)
    else:
        raw = rows(samples, bits)
    packed = zlib.compress(raw, 9)
    cut = -(-len(packed) // pieces)
    data = b"".join(chunk(b"IDAT", packed[i:i + cut]) for i in range(0, len(packed), cut))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    middle = chunk(b"PLTE", palette) if palette else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + data + chunk(b"IEND", b"")


def case(name, bytes_, values, maximum, pillow=True):
    if pillow:
        seen = np.asarray(Image.open(io.BytesIO(bytes_)))
        expected = values if values.shape[2] > 1 else values[:, :, 0]
        if maximum < 255:
            seen = np.asarray(Image.open(io.BytesIO(bytes_)).convert("L")).astype(int) * maximum // 255
        seen = seen[..., :3] if seen.ndim == 3 and seen.shape[2] == 4 else seen
        seen = seen[..., 0] if seen.ndim == 3 and seen.shape[2] == 2 else seen
        assert (seen.astype(int) == expected.astype(int)).all(), name
    return {"name": name, "png": bytes_.hex(), "height": values.shape[0], "width": values.shape[1], "channels": values.shape[2],
            "maximum": maximum, "values": values.reshape(-1).tolist()}


def draw(top, height, width, channels):
    return rng.integers(0, top + 1, size=(height, width, channels))


cases = []
for bits in (1, 2, 4, 8, 16):
    v = draw(2**bits - 1, 5, 11, 1)
    cases.append(case("grey%d" % bits, png(v, bits, 0), v, 2**bits - 1))
for bits in (8, 16):
    v = draw(2**bits - 1, 6, 5, 3)
    cases.append(case("rgb%d" % bits, png(v, bits, 2, pieces=3), v, 2**bits - 1, pillow=bits == 8))
v = draw(255, 13, 10, 1)
cases.append(case("grey8 interlaced", png(v, 8, 0, interlaced=True), v, 255))
v = draw(255, 9, 3, 3)
cases.append(case("rgb8 interlaced", png(v, 8, 2, interlaced=True), v, 255))
for colour, channels in ((4, 2), (6, 4)):
    v = draw(255, 4, 7, channels)
    v[:, :, -1] = 255
    cases.append(case("opaque alpha, %d channels" % channels, png(v, 8, colour), v[:, :, :-1], 255))
palette = bytes(rng.integers(0, 256, size=3 * 4).tolist())
index = draw(3, 5, 6, 1)
colours = np.array(list(palette)).reshape(4, 3)[index[:, :, 0]]
packed = png(index, 8, 3, palette)
assert (np.asarray(Image.open(io.BytesIO(packed)).convert("RGB")) == colours).all()
cases.append(case("palette", packed, colours, 255, pillow=False))
see_through = draw(255, 3, 4, 4)
see_through[1, 2, 3] = 254

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "png.json"), "w") as file:
    file.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + '],\n "transparent": "%s"}\n' % png(see_through, 8, 6).hex())
