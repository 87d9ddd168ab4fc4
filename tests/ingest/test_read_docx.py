"""Word documents made by python-docx or by hand: order, tables, tracked changes, bombs."""

import struct
import zipfile
from io import BytesIO
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from kgbuilder.errors import IngestError
from kgbuilder.ingest import Limits, read
from kgbuilder.records import Document


def _read(path: Path) -> Document:
    (document,) = read(path)
    assert isinstance(document, Document), str(document)
    return document


def _failure(path: Path, **keywords: Limits) -> IngestError:
    (item,) = read(path, **keywords)
    assert isinstance(item, IngestError)
    assert item.remedy
    assert path.name in item.where
    return item


def _word(path: Path, body: str = "") -> None:
    """Write a document whose body is the given XML, or one sentence."""
    document = docx.Document()
    if not body:
        document.add_paragraph("沈砚秋生于棠州。")
    for element in parse_xml(f"<w:body {nsdecls('w')}>{body}</w:body>"):
        document.element.body.insert(len(document.element.body) - 1, element)
    document.save(str(path))


def _repack(path: Path, *, replace: dict[str, bytes]) -> None:
    data = path.read_bytes()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, replace.get(name) or old.read(name))
        for name in replace.keys() - set(old.namelist()):
            new.writestr(name, replace[name])


def test_headings_paragraphs_and_tables_come_in_their_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "running head"
    document.add_heading("沈砚秋传", 0)
    document.add_paragraph("第一段。")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("姓名", "生年", "沈砚秋", "1931"), strict=True):
        cell.text = text
    document.add_paragraph("Second\tparagraph.\nA new line.")
    document.save(str(tmp_path / "a.docx"))
    read_back = _read(tmp_path / "a.docx")
    assert read_back.text == "沈砚秋传\n\n第一段。\n\n姓名 | 生年\n沈砚秋 | 1931\n\nSecond\tparagraph.\nA new line."
    assert read_back.pages == ()


def test_links_controls_and_insertions_are_read_and_deletions_are_not(tmp_path: Path) -> None:
    def run(text: str) -> str:
        return f"<w:r><w:t>{text}</w:t></w:r>"

    _word(
        tmp_path / "a.docx",
        f"<w:p>{run('one')}<w:hyperlink>{run('two')}</w:hyperlink><w:ins>{run('three')}</w:ins>"
        f"<w:del><w:r><w:delText>gone</w:delText></w:r>{run('gone')}</w:del><w:moveFrom>{run('gone')}</w:moveFrom></w:p>"
        f"<w:sdt><w:sdtContent><w:p>{run('four')}</w:p></w:sdtContent></w:sdt>"
        f"<w:p><w:r><w:ruby><w:rt>{run('pinyin')}</w:rt><w:rubyBase>{run('字')}</w:rubyBase></w:ruby></w:r></w:p>",
    )
    assert _read(tmp_path / "a.docx").text == "onetwothree\n\nfour\n\n字"


def test_a_document_with_a_password_says_it_is_encrypted(tmp_path: Path) -> None:
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    (tmp_path / "a.docx").write_bytes(container)
    assert "encrypted" in _failure(tmp_path / "a.docx").what


def test_an_old_word_document_says_to_save_it_anew(tmp_path: Path) -> None:
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "WordDocument".encode("utf-16-le") + bytes(500)
    (tmp_path / "a.doc").write_bytes(container)
    error = _failure(tmp_path / "a.doc")
    assert ".doc" in error.what
    assert ".docx" in error.remedy


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_document_cut_off_says_so(tmp_path: Path, share: float) -> None:
    _word(tmp_path / "a.docx")
    data = (tmp_path / "a.docx").read_bytes()
    (tmp_path / "a.docx").write_bytes(data[: int(len(data) * share)])
    assert "cut off or damaged" in _failure(tmp_path / "a.docx").what


@pytest.mark.parametrize(
    "xml", [b"<w:document", b"no xml", b"<a/>", b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>']
)
def test_a_document_with_broken_content_says_so(tmp_path: Path, xml: bytes) -> None:
    _word(tmp_path / "a.docx")
    _repack(tmp_path / "a.docx", replace={"word/document.xml": xml})
    assert "damaged" in _failure(tmp_path / "a.docx").what


def test_a_document_without_text_says_so(tmp_path: Path) -> None:
    docx.Document().save(str(tmp_path / "a.docx"))
    assert "no text" in _failure(tmp_path / "a.docx").what


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    _word(tmp_path / "a.docx")
    _repack(tmp_path / "a.docx", replace={"word/media/bomb.bin": bytes(64 * 1024**2)})
    assert (tmp_path / "a.docx").stat().st_size < 200_000
    error = _failure(tmp_path / "a.docx")
    assert "zip bomb" in error.what
    assert "bytes" in error.what


def test_a_zip_bomb_whose_directory_lies_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    _word(path)
    _repack(path, replace={"word/media/bomb.bin": bytes(64 * 1024**2)})
    data = bytearray(path.read_bytes())
    honest, liar = struct.pack("<I", 64 * 1024**2), struct.pack("<I", 1000)
    assert data.count(honest) == 2
    path.write_bytes(bytes(data).replace(honest, liar))
    assert "damaged" in _failure(path).what


def test_the_limit_on_unpacked_bytes_holds(tmp_path: Path) -> None:
    _word(tmp_path / "a.docx")
    assert "zip bomb" in _failure(tmp_path / "a.docx", limits=Limits(max_unpacked_bytes=1000)).what


@pytest.mark.parametrize(
    ("member", "what"),
    [
        ("xl/workbook.xml", "Excel"),
        ("ppt/slides/slide1.xml", "PowerPoint"),
        ("content.xml", "OpenDocument"),
        ("META-INF/container.xml", "e-book"),
        ("letters/a.txt", "zip archive"),
    ],
)
def test_other_archives_are_called_by_their_name(tmp_path: Path, member: str, what: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "x")
    assert what in _failure(tmp_path / "a.zip").what


def test_an_encrypted_archive_says_so(tmp_path: Path) -> None:
    _word(tmp_path / "a.docx")
    data = bytearray((tmp_path / "a.docx").read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    (tmp_path / "a.docx").write_bytes(data)
    assert "encrypted" in _failure(tmp_path / "a.docx").what


@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a.doc"])
def test_a_docx_by_another_name_is_read_as_docx(tmp_path: Path, name: str) -> None:
    _word(tmp_path / name)
    document = _read(tmp_path / name)
    assert document.text == "沈砚秋生于棠州。"
    assert bool(document.warnings) == (name != "a.doc")
