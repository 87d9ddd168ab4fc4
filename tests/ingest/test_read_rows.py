"""CSV as one document with a span per row; JSON Lines as a document per line."""

import json
from pathlib import Path

import pytest

from kgbuilder.errors import IngestError
from kgbuilder.ingest import Limits, chunk, locate, read
from kgbuilder.records import Document


def _csv(tmp_path: Path, content: str, codec: str = "utf-8", **keywords: Limits) -> Document:
    (tmp_path / "a.csv").write_bytes(content.encode(codec))
    (document,) = read(tmp_path / "a.csv", **keywords)
    assert isinstance(document, Document), str(document)
    return document


def _jsonl(tmp_path: Path, *lines: str | bytes) -> list[Document | IngestError]:
    data = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    (tmp_path / "a.jsonl").write_bytes(data)
    return list(read(tmp_path / "a.jsonl", source="a.jsonl"))


def test_a_row_reads_as_column_and_value(tmp_path: Path) -> None:
    document = _csv(tmp_path, "Name,Born\nGrace Hill,1931\nCarl Dunn,1940\n")
    assert document.text == "Name: Grace Hill; Born: 1931\n\nName: Carl Dunn; Born: 1940"
    assert document.language == "en"


def test_a_chinese_header_gives_chinese_marks(tmp_path: Path) -> None:
    assert _csv(tmp_path, "姓名,生年\n沈砚秋,1931\n", "gb18030").text == "姓名：沈砚秋，生年：1931"


def test_each_row_is_a_span_with_its_row_number(tmp_path: Path) -> None:
    document = _csv(tmp_path, "a,b\n1,2\n\n3,4\n")
    assert [(span.page, span.box, document.text[span.start : span.end]) for span in document.pages] == [
        (2, None, "a: 1; b: 2"),
        (4, None, "a: 3; b: 4"),
    ]
    start = document.text.index("3")
    assert [span.page for span in locate(document, start, start + 1)] == [4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["name", "note, and more"], ["Ann", "a; b"], ["Bob", "c"]]
    quoted = "\n".join(delimiter.join(f'"{field}"' for field in row) for row in rows)
    assert _csv(tmp_path, quoted).text.startswith("name: Ann; note, and more: a; b")


def test_quoted_line_ends_and_doubled_quotes_stay_in_their_field(tmp_path: Path) -> None:
    document = _csv(tmp_path, 'a,b\n"one\r\ntwo","say ""x"""\n')
    assert document.text == 'a: one two; b: say "x"'


def test_rows_of_another_width_are_read_and_counted(tmp_path: Path) -> None:
    document = _csv(tmp_path, "a,b\n1\n1,2,3\n4,5\n")
    assert document.text == "a: 1\n\na: 1; b: 2; 3: 3\n\na: 4; b: 5"
    assert document.warnings == ("rows with more or fewer fields than the header: 2, the first is row 2",)


def test_a_quote_never_closed_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,"2\n' + "3,4\n" * 1000, "utf-8")
    (error,) = read(tmp_path / "a.csv", limits=Limits(max_field_chars=500))
    assert isinstance(error, IngestError)
    assert "line 1" in error.what
    assert "quotation mark" in error.remedy


def test_a_header_alone_is_no_document(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n", "utf-8")
    (error,) = read(tmp_path / "a.csv")
    assert isinstance(error, IngestError)
    assert "no row" in error.what


def test_chunks_of_a_csv_never_cut_a_row(tmp_path: Path) -> None:
    rows = "".join(f"第{n}号展品。出土于江边；现藏于馆内,{n}\n" for n in range(200))
    document = _csv(tmp_path, "说明,编号\n" + rows)
    starts, ends = {span.start for span in document.pages}, {span.end for span in document.pages}
    parts = chunk(document, max_tokens=200)
    assert len(parts) > 10
    assert all(part.start in starts and part.end in ends for part in parts)


def test_each_line_is_a_document(tmp_path: Path) -> None:
    first, second = _jsonl(
        tmp_path,
        json.dumps({"text": "沈砚秋生于江南。", "id": "x1", "title": "传记", "lang": "zh-CN", "more": [1]}),
        json.dumps({"text": "Grace Hill mapped the coast."}),
    )
    assert isinstance(first, Document)
    assert (first.source, first.name, first.language) == ("a.jsonl#x1", "传记", "zh")
    assert isinstance(second, Document)
    assert (second.source, second.name, second.language) == ("a.jsonl#2", "a.jsonl#2", "en")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"text": "cut', "not JSON"),
        ("[1, 2]", "no object"),
        ("NaN", "no object"),
        ('{"body": "x"}', '"text"'),
        ('{"text": 5}', '"text"'),
        ('{"text": "  "}', '"text"'),
        ('{"text": "x", "id": [1]}', '"id"'),
        ('{"text": "x", "id": true}', '"id"'),
        ("[" * 100_000, "not JSON"),
        (b'{"text": "\xff\xfe\xff"}', "byte"),
    ],
)
def test_a_bad_line_is_named_and_the_others_go_on(tmp_path: Path, line: str | bytes, what: str) -> None:
    before, error, after = _jsonl(tmp_path, '{"text": "before"}', line, '{"text": "after"}')
    assert isinstance(before, Document)
    assert isinstance(error, IngestError)
    assert what in error.what
    assert error.where == "a.jsonl line 2"
    assert error.remedy
    assert isinstance(after, Document)
    assert after.text == "after"


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    _, error = _jsonl(tmp_path, '{"text": "one", "id": 1}', '{"text": "two", "id": 1}')
    assert isinstance(error, IngestError)
    assert "line before" in error.what


def test_lone_surrogates_and_nuls_of_a_line_can_be_stored(tmp_path: Path) -> None:
    (document,) = _jsonl(tmp_path, '{"text": "a\\ud800b\\u0000c\\u202e\\u200b", "title": "\\udfff", "id": "\\ud801"}')
    assert isinstance(document, Document)
    assert document.text == "a\ufffdb\ufffdc\u202e\u200b"
    assert document.warnings
    (document.name + document.source).encode("utf-8")


def test_pairs_of_surrogates_are_one_character(tmp_path: Path) -> None:
    (document,) = _jsonl(tmp_path, '{"text": "\\ud842\\udfb7"}')
    assert isinstance(document, Document)
    assert document.text == "𠮷"


def test_gb18030_lines_are_read(tmp_path: Path) -> None:
    lines = [f'{{"text": "第{n}位地质学家，生于江南。"}}'.encode("gb18030") for n in range(3)]
    documents = _jsonl(tmp_path, '{"text": "plain"}', *lines)
    assert [document.text for document in documents if isinstance(document, Document)][3] == "第2位地质学家，生于江南。"


def test_a_gb18030_line_that_passes_for_utf8_stays_gb18030(tmp_path: Path) -> None:
    (b'{"text": "\xc4\xa3"}').decode("utf-8")
    documents = _jsonl(tmp_path, '{"text": "第一位地质学家，生于江南。"}'.encode("gb18030"), b'{"text": "\xc4\xa3"}')
    assert [getattr(document, "text", None) for document in documents] == ["第一位地质学家，生于江南。", "模"]


def test_a_damaged_first_line_does_not_garble_the_rest(tmp_path: Path) -> None:
    good = '{"text": "沈砚秋是一位地质学家，生于江南。"}'
    results = _jsonl(tmp_path, good.encode()[:-10] + b'\xe5"}', good, good)
    assert [getattr(item, "text", None) for item in results[1:]] == ["沈砚秋是一位地质学家，生于江南。"] * 2


def test_utf16_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes('{"text": "一"}\r\n{"text": "二"}\r\n'.encode("utf-16"))
    assert [getattr(item, "text", item) for item in read(tmp_path / "a.jsonl")] == ["一", "二"]


def test_a_file_without_any_record_is_given_up(tmp_path: Path) -> None:
    results = _jsonl(tmp_path, *["no json"] * 5_000)
    assert len(results) == 101
    assert "none of the first 100 lines" in str(results[-1])


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    assert len(_jsonl(tmp_path, "", '{"text": "x"}', "  ", "")) == 1
    (error,) = _jsonl(tmp_path, "", "  ", "")
    assert "no line" in str(error)
