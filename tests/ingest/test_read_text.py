"""Plain text and markdown: encodings, what is kept, what is refused."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.errors import IngestError
from kgbuilder.ids import content_id
from kgbuilder.ingest import read
from kgbuilder.ingest.encoding import clean, decode_bytes
from kgbuilder.records import Document

ZH = "沈砚秋，1931年生于江南。她是一位地质学家，也写小说。\n“山在那里。”她说。"
EN = "Grace Hill was born in 1931.\nShe mapped the coast."
LONG_ZH = (ZH + "\n") * 40


def _read(path: Path) -> Document:
    (document,) = read(path)
    assert isinstance(document, Document), str(document)
    return document


def _failure(path: Path) -> IngestError:
    (item,) = read(path)
    assert isinstance(item, IngestError)
    assert item.remedy
    assert path.name in item.where
    return item


@pytest.mark.parametrize("text", [ZH, EN, LONG_ZH], ids=["zh", "en", "long"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_every_encoding_gives_the_same_document(tmp_path: Path, text: str, codec: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(codec))
    document = _read(path)
    assert document.text == text
    assert document.id == content_id("document", text)
    assert document.warnings == ()


def test_utf16_with_its_mark_in_both_byte_orders(tmp_path: Path) -> None:
    (tmp_path / "le.txt").write_bytes(b"\xff\xfe" + ZH.encode("utf-16-le"))
    (tmp_path / "be.txt").write_bytes(b"\xfe\xff" + ZH.encode("utf-16-be"))
    assert _read(tmp_path / "le.txt").text == _read(tmp_path / "be.txt").text == ZH


def test_a_file_larger_than_one_piece_is_decoded_across_the_seams(tmp_path: Path) -> None:
    text = "a" + "华为\r\n" * 400_000
    path = tmp_path / "a.txt"
    for codec in ("utf-8", "gb18030", "utf-16"):
        path.write_bytes(text.encode(codec))
        assert _read(path).text == text.replace("\r\n", "\n")


def test_line_ends_become_newlines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\rthree\nfour")
    assert _read(tmp_path / "a.txt").text == "one\ntwo\nthree\nfour"


def test_a_byte_that_is_no_utf8_is_named_by_its_offset(tmp_path: Path) -> None:
    data = ZH.encode()
    (tmp_path / "a.txt").write_bytes(data + b" \xff\xfe " + data)
    error = _failure(tmp_path / "a.txt")
    assert f"offset {len(data) + 1:,}" in error.what
    assert "UTF-8" in error.remedy


def test_a_text_in_two_encodings_is_refused_with_the_offset(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(ZH.encode() + b"\n" + ZH.encode("gb18030"))
    assert f"offset {len(ZH.encode()) + 1:,}" in _failure(tmp_path / "a.txt").what


def test_damaged_utf8_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    data = bytearray("作家雪山河流公司创办公司大学出版".encode())
    data[21] = 0xBF
    data.decode("gb18030")
    (tmp_path / "a.txt").write_bytes(data)
    assert "offset 21 is not UTF-8" in _failure(tmp_path / "a.txt").what


def test_the_offset_is_right_beyond_the_first_piece(tmp_path: Path) -> None:
    data = ("华为。" * 200_000).encode()
    (tmp_path / "a.txt").write_bytes(data + b"\xff")
    assert f"offset {len(data):,}" in _failure(tmp_path / "a.txt").what


def test_a_text_cut_off_in_a_character_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(ZH.encode()[:-1])
    assert "cut off" in _failure(tmp_path / "a.txt").what


def test_broken_utf16_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfea\x00\x00\xdcb\x00")
    assert "UTF-16" in _failure(tmp_path / "a.txt").what


def test_a_western_encoding_is_not_taken_for_chinese(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("The cafés of Besançon and Zürich were full.".encode("cp1252"))
    assert "UTF-8" in _failure(tmp_path / "a.txt").remedy


def test_big5_that_passes_for_gb18030_is_read_with_a_warning(tmp_path: Path) -> None:
    text = "研究所位於臺北市的郊區，創辦人是一位地質學家，他在那裡工作了三十年，並且寫了許多關於海岸與河流的書。" * 3
    (tmp_path / "a.txt").write_bytes(text.encode("big5"))
    (item,) = read(tmp_path / "a.txt")
    assert isinstance(item, IngestError) or "garbled" in item.warnings[0]


def test_nul_characters_are_replaced_one_for_one_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Huawei\0 was founded\0 in Shenzhen.")
    document = _read(tmp_path / "a.txt")
    assert document.text == "Huawei\ufffd was founded\ufffd in Shenzhen."
    assert document.warnings == ("NUL characters or lone surrogates replaced by U+FFFD: 2",)


def test_zero_width_bidi_and_control_characters_are_kept_as_data(tmp_path: Path) -> None:
    text = "A\u200bB\u202eC\u2066D\ufeffE\x1b[31mF\u2028G\x85H 𠮷\U0001f600"
    (tmp_path / "a.txt").write_text(text, "utf-8")
    document = _read(tmp_path / "a.txt")
    assert document.text == text
    assert document.warnings == ()


def test_markdown_is_kept_as_it_is(tmp_path: Path) -> None:
    text = "# Title\n\n- *item* [link](http://example.org)\n\n```\ncode\n```\n"
    (tmp_path / "a.md").write_text(text, "utf-8")
    document = _read(tmp_path / "a.md")
    assert (document.text, document.media_type) == (text, "text/markdown")


def test_a_blank_text_says_there_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" \n\t\u3000\n", "utf-8")
    assert "no text" in _failure(tmp_path / "a.txt").what


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "OCR"),
        (b"\x1f\x8b\x08" + bytes(100), "gzip"),
        (b"\x7fELF" + bytes(100), "program"),
        (b"{\\rtf1 hello}", "RTF"),
        (b"<?xml version='1.0'?><rss/>", "XML"),
        (bytes(range(32)) * 40, "binary"),
    ],
)
def test_what_cannot_be_read_is_called_by_its_name_and_the_formats_are_listed(
    tmp_path: Path, data: bytes, what: str
) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    error = _failure(tmp_path / "a.txt")
    assert what in error.what
    assert "txt, md, html, pdf, docx, csv, jsonl" in error.remedy


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(os.urandom(20_000))
    assert _failure(tmp_path / "a.dat")


def test_json_that_is_no_json_lines_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[\n{"text": "one"}\n]', "utf-8")
    assert ".jsonl" in _failure(tmp_path / "a.json").remedy


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("page.txt", "<!DOCTYPE html><html><body><p>Huawei was founded in Shenzhen.</p></body></html>", "text/html"),
        ("page.pdf", "<html><body><p>Huawei was founded in Shenzhen.</p></body></html>", "text/html"),
        ("text.pdf", "Huawei was founded in Shenzhen.", "text/plain"),
        ("text.docx", "Huawei was founded in Shenzhen.", "text/plain"),
        ("text.html", "Huawei was founded in Shenzhen.", "text/plain"),
        ("lines.txt", '{"text": "Huawei was founded in Shenzhen."}\n', "application/jsonl"),
    ],
)
def test_a_wrongly_named_text_is_read_as_what_it_is_with_a_warning(
    tmp_path: Path, name: str, content: str, media_type: str
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    document = _read(tmp_path / name)
    assert document.media_type == media_type
    assert "Huawei was founded in Shenzhen." in document.text
    assert Path(name).suffix in document.warnings[0]


def test_an_unknown_suffix_is_read_as_text_without_fuss(tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_text(EN, "utf-8")
    assert _read(tmp_path / "notes.log").warnings == ()


def test_the_source_is_the_path_or_what_the_caller_says(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(EN, "utf-8")
    assert _read(path).source == path.as_posix()
    (document,) = read(path, source="reports/a.txt")
    assert isinstance(document, Document)
    assert (document.source, document.name) == ("reports/a.txt", "a.txt")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_utf8_round_trips_but_for_line_ends(text: str) -> None:
    decoded, _ = decode_bytes(b"\xef\xbb\xbf" + text.encode(), "memory")
    assert decoded == text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.text())
def test_a_cleaned_text_can_be_stored_and_keeps_its_length_but_for_line_ends(text: str) -> None:
    cleaned, _ = clean(text)
    cleaned.encode("utf-8")
    assert "\0" not in cleaned
    assert len(cleaned) == len(text.replace("\r\n", "\n"))
