"""Evidence by its content: real files of each kind are taken; whatever else they could be, is not."""

import io
import zlib

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from limitkeeper.connectors import evidence
from limitkeeper.connectors.evidence import EVIDENCE_BYTES_MAX, EvidenceError, evidence_kind

mpl.use("Agg")


def pdf(catalog: bytes = b"", *more: bytes, trailer: bytes = b"") -> bytes:
    """A whole PDF of one page, with its cross-reference table."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>",
        b"<< /Length 21 >>\nstream\n0 0 m 100 100 l S    \nendstream",
        *more,
    ]
    content, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % count
    end = b"trailer\n<< /Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (count, trailer, len(content))
    return content + head + table + end


def stream(described: bytes, content: bytes) -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), described, content)


def image(kind: str, **options: object) -> bytes:
    found = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(found, kind, **options)
    return found.getvalue()


def drawn_pdf() -> bytes:
    """A PDF as a real program writes it, with compressed streams."""
    from matplotlib.figure import Figure

    figure, found = Figure(), io.BytesIO()
    figure.subplots().plot([1, 2, 4])
    figure.savefig(found, format="pdf")
    return found.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (pdf(), "pdf"),
        (drawn_pdf(), "pdf"),
        (image("PNG"), "png"),
        (image("PNG", optimize=True), "png"),
        (image("JPEG"), "jpeg"),
        (image("JPEG", progressive=True), "jpeg"),
        ("我已于六月三日还清账单。\n".encode(), "text"),
        ("\ufeffPaid on 3 June.".encode(), "text"),
    ],
)
def test_real_file_is_known_by_its_content(content: bytes, kind: str) -> None:
    assert evidence_kind(content) == kind


ACTS = [
    pdf(b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"),
    pdf(b"", b"<< /S /Launch /F (cmd.exe) >>"),
    pdf(b"/Names << /EmbeddedFiles 5 0 R >>"),
    pdf(b"/Open#41ction 5 0 R"),
    pdf(b"/AcroForm << /XFA 5 0 R >>"),
    pdf(
        b"",
        stream(
            b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", zlib.compress(b"5 0 << /S /JavaScript >>")
        ),
    ),
    pdf(b"", stream(b"/Filter /FlateDecode", zlib.compress(b"x" * 100_000 + b"/J#61vaScript"))),
]


@pytest.mark.parametrize("content", ACTS, ids=range(len(ACTS)))
def test_pdf_that_acts_when_it_is_opened_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError, match="It holds /"):
        evidence_kind(content)


def test_encrypted_pdf_is_refused() -> None:
    with pytest.raises(EvidenceError, match="encrypted"):
        evidence_kind(pdf(trailer=b"/Encrypt 5 0 R "))


@pytest.mark.parametrize(
    "described",
    [
        b"/Type /ObjStm /Filter [/ASCII85Decode /FlateDecode]",
        b"/Type /ObjStm /Filter /LZWDecode",
        b"/Type /ObjStm /Filter 6 0 R",
        b"/Type /Obj#53tm /Filter /FlateDecode /DecodeParms << /Predictor 12 >>",
    ],
)
def test_pdf_whose_objects_cannot_be_looked_into_is_refused(described: bytes) -> None:
    with pytest.raises(EvidenceError, match="looked into"):
        evidence_kind(pdf(b"", stream(described, zlib.compress(b"5 0 << >>"))))


def test_pdf_that_swells_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    swelling = stream(b"/Filter /FlateDecode", zlib.compress(bytes(300_000)))
    assert evidence_kind(pdf(b"", swelling)) == "pdf"
    monkeypatch.setattr(evidence, "INFLATED_BYTES_MAX", 500_000)
    with pytest.raises(EvidenceError, match="too large"):
        evidence_kind(pdf(b"", swelling, swelling))


def test_pdf_of_countless_streams_is_refused() -> None:
    with pytest.raises(EvidenceError, match="looked into"):
        evidence_kind(pdf(b"", b"<< >>\n" + b"stream\n" * 100_000))


ZIP = b"PK\x05\x06" + bytes(18)
OTHER = {
    "archive behind a picture": image("PNG") + ZIP,
    "archive behind a PDF": pdf() + ZIP,
    "archive within a PDF": pdf(b"", stream(b"", ZIP)),
    "page behind a picture": image("JPEG") + b"<script>alert(1)</script>",
    "script within a picture": image("JPEG", comment=b"<script>alert(1)</script>"),
    "picture that breaks off": image("PNG")[:-20],
    "photograph that breaks off": image("JPEG")[:-200],
    "damaged picture": image("PNG").replace(b"IDAT", b"IDAX", 1),
    "PDF that breaks off": pdf()[:-60],
    "PDF behind something": b"\n" + pdf(),
    "program for Windows": b"MZ\x90\x00" + bytes(100),
    "program for Linux": b"\x7fELF" + bytes(100),
    "text program": b"#!/bin/sh\nrm -rf /\n",
    "web page": b"<!DOCTYPE html><p>paid",
    "drawing with script": b"\xef\xbb\xbf <svg onload=alert(1)>",
    "rich text": b"{\\rtf1 paid}",
    "old encoding": "已还款".encode("gb18030"),
    "moving picture": b"GIF89a" + bytes(20),
    "nothing": b"",
    "too large": b"a" * (EVIDENCE_BYTES_MAX + 1),
}


@pytest.mark.parametrize("name", OTHER)
def test_whatever_else_it_is_or_could_be_is_refused(name: str) -> None:
    with pytest.raises(EvidenceError):
        evidence_kind(OTHER[name])


@given(
    st.sampled_from([pdf(), image("PNG"), image("JPEG"), b"paid"]),
    st.binary(max_size=40),
    st.integers(0, 5_000),
)
def test_any_bytes_are_judged_and_never_fail(content: bytes, put: bytes, place: int) -> None:
    at = place % (len(content) + 1)
    try:
        assert evidence_kind(content[:at] + put + content[at:]) in evidence.MEDIA_TYPES
    except EvidenceError:
        return
