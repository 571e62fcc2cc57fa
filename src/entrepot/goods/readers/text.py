"""Text files: find the encoding, stream the content as UTF-8 bytes, cut it at line ends."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from entrepot.goods.errors import InputError
from entrepot.goods.readers.frames import MAX_RECORD
from entrepot.goods.texts import told

__all__ = ["BLOCK", "encoding_of", "lines_aligned", "sample_of", "utf8_chunks"]

BLOCK = 24 * 1024 * 1024
"""Bytes read at a time; memory is a small multiple of it, whatever the size of the file."""
SAMPLE = 4 * 1024 * 1024
LONGEST_CARRY = 16 * 1024 * 1024
"""A line without an end is cut here: it is reported as too big and the rest of it is passed over."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(path: Path, forced: str | None = None) -> str:
    """The encoding of a text file: as forced, by its mark, else UTF-8, UTF-16 without mark or GB18030.

    Anything else is refused with InputError naming the first byte that fits neither UTF-8 nor GB18030.
    """
    if forced:
        return _checked(forced)
    sample, start = _telling_sample(path)
    if start == 0:
        marked = next((name for mark, name in MARKS if sample.startswith(mark)), None)
        if marked:
            return marked
    if not start and (wide := _wide(sample)):
        return wide
    if _mostly_utf8(sample):
        return "utf-8"
    if _is_gb18030(sample):
        return "gb18030"
    raise told(InputError, "file.encoding", file=path.name, offset=start + _first_bad(sample))


def _checked(forced: str) -> str:
    try:
        return codecs.lookup(forced).name
    except LookupError as cause:
        raise InputError(f"encoding {forced!r} is not known; try utf-8, gb18030, utf-16, cp1252 or big5") from cause


def _telling_sample(path: Path) -> tuple[bytes, int]:
    """The first stretch of the file that is not plain ASCII, and where it starts."""
    start = 0
    with path.open("rb") as source:
        while block := source.read(SAMPLE):
            if not block.isascii() or (start == 0 and b"\0" in block):
                return block, start
            start += len(block)
    return b"", start


def _wide(sample: bytes) -> str | None:
    head = sample[:4096]
    if head.count(0) < len(head) // 4:
        return None
    return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"


def _mostly_utf8(sample: bytes) -> bool:
    """Whether UTF-8 is the encoding, though single rows may be damaged."""
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    if len(sample) >= SAMPLE and len(lines) > 1:
        lines = lines[:-1]
    good = sum(_decodes(line, "utf-8") for line in lines)
    return good * 2 > len(lines) or not lines or good == len(lines)


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_gb18030(sample: bytes) -> bool:
    """Whether the sample reads as Chinese: Western encodings also decode, but give characters outside GB 2312."""
    text = sample.decode("gb18030", errors="replace")
    marks = [char for char in text[:200_000] if ord(char) > 127]
    common = sum(_decodes_back(char) for char in marks)
    return common * 10 >= len(marks) * 9


def _decodes_back(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _first_bad(sample: bytes) -> int:
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as bad:
        return bad.start
    return 0


def sample_of(path: Path, encoding: str) -> str:
    """The first stretch of the file as text, cut at a line end where there is one; old Mac line ends become LF."""
    with path.open("rb") as source:
        head = source.read(SAMPLE)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return text if len(head) < SAMPLE or "\n" not in text else text[: text.rindex("\n") + 1]


def utf8_chunks(path: Path, encoding: str) -> Iterator[bytes]:
    """The content as UTF-8, without a mark, in pieces of about `BLOCK` bytes; old Mac line ends become LF.

    What cannot be decoded becomes U+FFFD in other encodings and stays as it is in UTF-8: `parse` reports it.
    """
    decoder = None if encoding in ("utf-8", "utf-8-sig") else codecs.getincrementaldecoder(encoding)("replace")
    only_cr = _ends_lines_with_cr(path, encoding)
    with path.open("rb") as source:
        if encoding == "utf-8-sig":
            source.seek(len(codecs.BOM_UTF8))
        while block := source.read(BLOCK):
            piece = decoder.decode(block).encode("utf-8", "replace") if decoder else block
            yield piece.replace(b"\r", b"\n") if only_cr else piece
    if decoder and (rest := decoder.decode(b"", final=True)):
        yield rest.encode("utf-8", "replace")


def _ends_lines_with_cr(path: Path, encoding: str) -> bool:
    with path.open("rb") as source:
        head = codecs.getincrementaldecoder(encoding)("replace").decode(source.read(SAMPLE))
    return "\r" in head and "\n" not in head


def lines_aligned(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut a byte stream into blocks of whole lines, where possible not inside a quoted text.

    A line longer than `LONGEST_CARRY` is cut to twice `MAX_RECORD` bytes, so that it is reported as too big.
    """
    carry, skipping = b"", False
    for chunk in chunks:
        if skipping:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            chunk, skipping = chunk[end:], False
        data = carry + chunk
        cut = _cut(data)
        if cut:
            yield data[:cut]
        carry = data[cut:]
        if len(carry) > LONGEST_CARRY and b"\n" not in carry:
            carry, skipping = carry[: 2 * MAX_RECORD], True
    if carry:
        yield carry


def _cut(data: bytes) -> int:
    """Where to cut: after the last line end with an even number of quotes before it, else the last line end."""
    last = end = data.rfind(b"\n") + 1
    odd = data.count(b'"', 0, end) % 2
    for _ in range(1000):
        if not odd or not end:
            break
        previous = data.rfind(b"\n", 0, end - 1) + 1
        odd ^= data.count(b'"', previous, end) % 2
        end = previous
    return end or last
