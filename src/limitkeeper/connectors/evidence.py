"""Files that customers send, judged by what they hold and never by their names.

Four kinds are taken: PDF, PNG, JPEG, plain text. A file must be of its kind from its first byte to its last, so that
it is nothing else besides; a PDF must bring nothing that acts when it is opened, and must not be encrypted, since what
is inside could then not be seen. This is no virus scanner: it lets in few kinds of files, and those in their plain form.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator

import puremagic

from limitkeeper.core.kernel.errors import InputError

EVIDENCE_BYTES_MAX = 5_000_000
"""Of one file."""

INFLATED_BYTES_MAX = 64_000_000
"""Of all compressed parts of one PDF together; one that holds more is refused unread."""

PDF, PNG, JPEG, TEXT = "pdf", "png", "jpeg", "text"

MEDIA_TYPES = {
    PDF: "application/pdf",
    PNG: "image/png",
    JPEG: "image/jpeg",
    TEXT: "text/plain; charset=utf-8",
}

PNG_START, JPEG_START = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"

ACTING_NAMES = (
    b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/OpenAction", b"/RichMedia", b"/SubmitForm", b"/ImportData",
    b"/GoToE", b"/XFA",
)  # fmt: skip
"""Names of a PDF that run, start, send or carry something; ``/EmbeddedFiles`` begins with one of them."""

ZIP_END, ZIP_TAIL_BYTES = b"PK\x05\x06", 65_557
"""What ends a ZIP archive, and how far before the end of the file it may lie."""

MARKUP = (b"<script", b"<?php", b"<html", b"<svg", b"<!doctype", b"<?xml")
"""What a browser or a server might take for its own, whatever else the file is."""

FEW_PAGES_OF_TEXT = 1_000
"""Bytes at the beginning of a text that may hold none of these."""


class EvidenceError(InputError):
    """A file that is not taken as evidence."""


def evidence_kind(content: bytes) -> str:
    """What a file is, by its content: ``pdf``, ``png``, ``jpeg`` or ``text``.

    Parameters
    ----------
    content
        The whole file, 1 to :data:`EVIDENCE_BYTES_MAX` bytes.

    Raises
    ------
    EvidenceError
        When it is empty, too large, of no kind that is taken, damaged, something else besides, or brings what acts.

    Examples
    --------
    >>> evidence_kind("已于 6 月 3 日还款".encode())
    'text'
    """
    if not 0 < len(content) <= EVIDENCE_BYTES_MAX:
        raise EvidenceError(
            "The file is empty or too large.",
            value=f"{len(content)} bytes",
            allowed=f"1 to {EVIDENCE_BYTES_MAX}",
        )
    kind = next((kind for kind, start in STARTS if content.startswith(start)), TEXT)
    if ZIP_END in content[-ZIP_TAIL_BYTES:]:
        raise _refused(kind, "It is an archive besides.")
    if kind != TEXT:
        _agrees(content, kind)
    CHECKS[kind](content)
    return kind


STARTS = ((PDF, b"%PDF-"), (PNG, PNG_START), (JPEG, JPEG_START))


def _refused(kind: str, problem: str) -> EvidenceError:
    return EvidenceError(
        f"The file cannot be taken as {kind}. {problem}",
        allowed="PDF without scripts, PNG, JPEG, plain text in UTF-8",
        advice="Send a scan, a photograph or a plain text.",
    )


def _agrees(content: bytes, kind: str) -> None:
    """Refuse a file that the catalogue of magic numbers takes for something else."""
    try:
        found = {match.mime_type for match in puremagic.magic_string(content)}
    except puremagic.PureError:
        found = set()
    if MEDIA_TYPES[kind] not in found:
        raise _refused(kind, "Its beginning is of another kind.")


def _check_png(content: bytes) -> None:
    """Every part of a PNG with its checksum, from the header to the end, and nothing behind."""
    at, first = len(PNG_START), True
    while True:
        head = content[at : at + 8]
        if len(head) < 8:  # noqa: PLR2004 - length and type of a part
            raise _refused(PNG, "It breaks off.")
        length, name = struct.unpack(">I4s", head)
        body = content[at + 4 : at + 8 + length]
        sum_at = at + 8 + length
        if content[sum_at : sum_at + 4] != struct.pack(">I", zlib.crc32(body)):
            raise _refused(PNG, "A part of it is damaged.")
        if first != (name == b"IHDR"):
            raise _refused(PNG, "Its header is not where it must be.")
        at, first = sum_at + 4, False
        if name == b"IEND":
            break
    if at != len(content):
        raise _refused(PNG, "Something follows its end.")
    _without_markup(content, PNG)


NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of a JPEG that nothing follows."""

SCAN, END_OF_IMAGE = 0xDA, 0xD9


def _check_jpeg(content: bytes) -> None:
    """Every segment of a JPEG up to its end, and nothing behind."""
    at, scans = 2, 0
    while at + 1 < len(content):
        if content[at] != 0xFF:  # noqa: PLR2004 - what begins a marker
            raise _refused(JPEG, "A part of it is damaged.")
        marker = content[at + 1]
        at += 2
        if marker == END_OF_IMAGE:
            if at != len(content):
                raise _refused(JPEG, "Something follows its end.")
            if not scans:
                break
            return _without_markup(content, JPEG)
        if marker in NO_LENGTH or marker == 0xFF:  # noqa: PLR2004 - a filling byte
            at -= marker == 0xFF  # noqa: PLR2004
            continue
        length = int.from_bytes(content[at : at + 2], "big")
        if length < 2:  # noqa: PLR2004 - it counts itself
            break
        at += length
        if marker == SCAN:
            scans, at = scans + 1, _after_scan(content, at)
    raise _refused(JPEG, "It breaks off.")


def _after_scan(content: bytes, at: int) -> int:
    """Where the next marker stands behind the compressed data of a scan."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise _refused(JPEG, "It breaks off.")
        if content[at + 1] == 0 or content[at + 1] in range(0xD0, 0xD8):
            at += 2
            continue
        return at


def _without_markup(content: bytes, kind: str) -> None:
    lowered = content.lower()
    if any(mark in lowered for mark in MARKUP[:2]):
        raise _refused(kind, "It holds a script.")


def _check_text(content: bytes) -> None:
    """UTF-8 with no control characters but white space, that begins as no program or page does."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(TEXT, "It is none of the kinds that are taken.") from error
    if any(ord(each) < 32 and each not in "\t\n\r\f" for each in text) or "\x7f" in text:  # noqa: PLR2004
        raise _refused(TEXT, "It holds control characters.")
    start = text[:FEW_PAGES_OF_TEXT].lstrip().lower().encode()
    if start.startswith((b"#!", b"mz", b"{\\rtf", b"%!ps", b"%pdf")) or any(mark in start for mark in MARKUP):
        raise _refused(TEXT, "It is a program, a page or a document of another kind.")


STREAMS_MAX, DESCRIBED_BYTES_MAX, PIECE_BYTES = 10_000, 65_536, 65_536
"""Streams of a PDF; bytes before one that describe it; bytes that are read at a time."""

STREAM = re.compile(rb"(?<!end)stream\r?\n")
NAME_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
PDF_HEAD = re.compile(rb"%PDF-(1\.[0-7]|2\.0)[\r\n ]")
PDF_END = re.compile(rb"startxref\s+\d+\s+%%EOF\s*\Z")
OBJECT_STREAM = re.compile(rb"/Type\s*/ObjStm")
PLAIN_FILTER = re.compile(rb"/Filter\s*(\[\s*/FlateDecode\s*\]|/FlateDecode)(?![\w/\s]*Decode)")


def _check_pdf(content: bytes) -> None:
    """A PDF whole, not encrypted, with no name that acts, its compressed parts and escaped names included."""
    if not PDF_HEAD.match(content) or not PDF_END.search(content[-2_048:]):
        raise _refused(PDF, "It breaks off, or something follows its end.")
    plain = _names_plain(content)
    if re.search(rb"/Encrypt\b", plain):
        raise _refused(PDF, "It is encrypted.")
    _without_markup(content, PDF)
    for part in _parts(content, plain):
        found = next((name for name in ACTING_NAMES if name in part), None)
        if found is not None:
            raise _refused(PDF, f"It holds {found.decode()}.")


def _names_plain(content: bytes) -> bytes:
    """Names with their escapes undone, as ``/J#61vaScript``."""
    return NAME_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), content)


def _parts(content: bytes, plain: bytes) -> Iterator[bytes]:
    """The file as it is read, and what each of its compressed streams holds."""
    yield plain
    room = INFLATED_BYTES_MAX
    for count, match in enumerate(STREAM.finditer(content), start=1):
        begins = max(content.rfind(b" obj", 0, match.start()), 0)
        if count > STREAMS_MAX or match.start() - begins > DESCRIBED_BYTES_MAX:
            raise _refused(PDF, "It holds parts that cannot be looked into.")
        described = _names_plain(content[begins : match.start()])
        is_objects = OBJECT_STREAM.search(described) is not None
        if is_objects and (b"/Predictor" in described or not _is_seen_through(described)):
            raise _refused(PDF, "It holds parts that cannot be looked into.")
        inflated = _inflated(content, match.end(), room)
        if is_objects and not inflated and b"/Filter" in described:
            raise _refused(PDF, "It holds parts that cannot be looked into.")
        room -= len(inflated)
        if room <= 0:
            raise _refused(PDF, "Its compressed parts are too large to be looked into.")
        yield _names_plain(inflated)


def _is_seen_through(described: bytes) -> bool:
    return b"/Filter" not in described or PLAIN_FILTER.search(described) is not None


def _inflated(content: bytes, at: int, room: int) -> bytes:
    """What the compressed stream at a place holds, up to so many bytes; nothing where it is none."""
    inflater, found = zlib.decompressobj(), b""
    try:
        while not inflater.eof and at < len(content) and len(found) < room:
            piece = content[at : at + PIECE_BYTES]
            found += inflater.decompress(piece, room - len(found))
            at += len(piece)
    except zlib.error:
        return b""
    return found


CHECKS: dict[str, Callable[[bytes], None]] = {
    PDF: _check_pdf, PNG: _check_png, JPEG: _check_jpeg, TEXT: _check_text,
}  # fmt: skip
