"""Files for the tests, made without the code that is tested."""

import struct
import zlib

import numpy as np
import PIL.features
import PIL.Image
import PIL.ImageCms
import pytest

HEIGHT, WIDTH = 9, 12
# Display P3 as Apple publishes it: red, green and blue in XYZ, adapted to D50.
P3 = np.array([[0.51512, 0.29198, 0.1571], [0.2412, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
# sRGB, likewise (Lindbloom).
SRGB = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
D50 = np.array([0.9642, 1.0, 0.8249])


def srgb_profile():
    return PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()


def p3_profile():
    """The profile of sRGB with the primaries of Display P3; both have one curve."""
    profile = bytearray(srgb_profile())
    for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ")):
        start = struct.unpack_from(">I", profile, profile.index(name) + 4)[0]
        struct.pack_into(">3i", profile, start + 8, *(round(value * 65536) for value in P3[:, i]))
    description = "sRGB".encode("utf-16-be")
    return bytes(profile.replace(description, "P3  ".encode("utf-16-be")).replace(b"sRGB", b"P3  "))


def grey_profile(gamma=2.2):
    """A profile of grey with a power as its curve (ICC.1:2010, 8.4.2)."""
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + bytes(78),
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in D50)),
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
    }
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(data), len(value))
        data += value
    size = 128 + len(table) + len(data)
    header = struct.pack(
        ">I4sI4s4s4s6H4s", size, b"\0" * 4, 0x02100000, b"mntr", b"GRAY", b"XYZ ", 2000, 1, 1, 0, 0, 0, b"acsp"
    )
    header = header.ljust(68, b"\0") + struct.pack(">3i", *(round(value * 65536) for value in D50))
    return header.ljust(128, b"\0") + table + data


def exif(order="<", orientation=6, thumbnail=True):
    """EXIF as a camera writes it: a name in UTF-8, a maker's note, a place, and a thumbnail at the end."""
    first, inner, place, second = 8, 200, 300, 400
    data = bytearray(600)
    data[:8] = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", first)

    def directory(position, entries, following=0):
        struct.pack_into(order + "H", data, position, len(entries))
        for i, (tag, kind, count, value) in enumerate(entries):
            struct.pack_into(order + "HHI4s", data, position + 2 + 12 * i, tag, kind, count, value)
        struct.pack_into(order + "I", data, position + 2 + 12 * len(entries), following)

    def short(number):
        return struct.pack(order + "H2x", number)

    def long(number):
        return struct.pack(order + "I", number)

    artist = "Žofie 花\0".encode()
    data[150 : 150 + len(artist)] = artist
    data[270:278] = struct.pack(order + "2I", 1, 250)
    data[280:290] = b"maker note"
    entries = [(0x010F, 2, 4, b"Cam\0"), (0x0112, 3, 1, short(orientation)), (0x013B, 2, len(artist), long(150))]
    entries += [(0x8769, 4, 1, long(inner)), (0x8825, 4, 1, long(place))]
    directory(first, entries, second if thumbnail else 0)
    inside = [(0x829A, 5, 1, long(270)), (0x927C, 7, 10, long(280))]
    inside += [(0xA002, 4, 1, long(4000)), (0xA003, 4, 1, long(3000))]
    directory(inner, inside)
    directory(place, [(0x0001, 2, 2, b"N\0\0\0")])
    if not thumbnail:
        return bytes(data[:second])
    directory(second, [(0x0201, 4, 1, long(500)), (0x0202, 4, 1, long(100))])
    data[500:600] = b"\xff\xd8" + b"t" * 96 + b"\xff\xd9"
    return bytes(data)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(levels, *, filter_type=0, before=b""):
    """A PNG file of 8 or 16 bits with one filter for all rows (PNG, section 9), by the letter of the standard."""
    height, width, n_channels = levels.shape
    bits = 8 * levels.dtype.itemsize
    rows = levels.astype(levels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1).astype(int)
    step = n_channels * bits // 8
    filtered = bytearray()
    for y in range(height):
        filtered.append(filter_type)
        for x in range(rows.shape[1]):
            left = rows[y, x - step] if x >= step else 0
            up = rows[y - 1, x] if y else 0
            corner = rows[y - 1, x - step] if y and x >= step else 0
            filtered.append(int(rows[y, x] - _predicted(filter_type, left, up, corner)) % 256)
    header = struct.pack(">IIBBBBB", width, height, bits, {1: 0, 2: 4, 3: 2, 4: 6}[n_channels], 0, 0, 0)
    data = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(bytes(filtered))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def apng(pages, *, poster=False, top=0, disposal=0, blend=0):
    """An animated PNG file (PNG, sections 11.3.6.1 to 11.3.6.3), its first picture a poster if wanted.

    Of further frames the rows from ``top`` on are stored, and laid over the last frame by alpha if ``blend`` is 1.
    """
    whole = [png(page[top if i else 0 :]) for i, page in enumerate(pages)]
    header, data = whole[0][8:33], [page[41 : -12 - 4] for page in whole]  # from the length of IDAT to its check sum
    n_frames, number = len(pages) - poster, 0
    out = b"\x89PNG\r\n\x1a\n" + header + chunk(b"acTL", struct.pack(">II", n_frames, 0))
    for i, part in enumerate(data):
        if i or not poster:
            height, width = pages.shape[1:3]
            y = top if i else 0
            out += chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height - y, 0, y, 50, 1000, disposal, blend))
            number += 1
        if i:
            out += chunk(b"fdAT", struct.pack(">I", number) + part)
            number += 1
        else:
            out += chunk(b"IDAT", part)
    return out + chunk(b"IEND", b"")


def _predicted(filter_type, left, up, corner):
    if filter_type == 4:
        return min((left, up, corner), key=lambda value: abs(left + up - corner - value))
    return (0, left, up, (left + up) // 2)[filter_type]


def levels(dtype=np.uint8, shape=(HEIGHT, WIDTH, 4)):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def picture(mode):
    """The same picture in every mode of Pillow."""
    colour = PIL.Image.fromarray(levels())
    if mode == "I;16":
        return PIL.Image.fromarray(levels(np.uint16)[..., 0])
    if mode == "F":
        return PIL.Image.fromarray(levels()[..., 0].astype(np.float32) / 255)
    if mode == "RGBA":
        return colour
    if mode == "LA":
        return PIL.Image.merge("LA", (colour.convert("L"), colour.getchannel("A")))
    if mode == "LAB":
        return PIL.Image.merge("LAB", [PIL.Image.new("L", colour.size, value) for value in (200, 128, 128)])
    if mode == "P":
        return colour.convert("RGB").quantize(16)
    return colour.convert("RGB").convert(mode)


def needs(suffix):
    feature = {"jp2": "jpg_2000", "avif": "avif", "webp": "webp"}.get(suffix)
    if feature and not PIL.features.check(feature):
        pytest.skip(f"this Pillow has no {feature}")


def srgb_encoded(linear):
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)
