"""The sample documents cover every format and encoding, can be read, and are one connected world."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from kgbuilder.errors import IngestError
from kgbuilder.ingest import chunk, find_files, read
from kgbuilder.records import Document

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted(path for folder in ("en", "zh") for path in (EXAMPLES / folder).iterdir())
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")

# One thing under several names, each with the least number of files that name it.
RECURRING = {
    ("远棹科技", "遠棹科技", "Farsail"): 10,
    ("沈砚秋", "沈硯秋", "Shen Yanqiu"): 10,
    ("澜江大学", "瀾江大學", "Lanjiang University"): 9,
    ("济棠医院", "濟棠醫院", "Jitang Hospital", "棠州市第一人民医院", "Tangzhou First People's Hospital"): 9,
    ("佩尔沃思", "Pellworth Instruments"): 7,
    ("陆观澜", "陸觀瀾", "Lu Guanlan"): 8,
}


@pytest.fixture(scope="module")
def documents() -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for path in FILES:
        for result in read(path):
            assert not isinstance(result, IngestError), str(result)
            found.setdefault(path.relative_to(EXAMPLES).as_posix(), []).append(result)
    return found


def raw(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


def test_at_least_twelve_documents_in_both_languages():
    assert Counter(path.parent.name for path in FILES) == {"zh": 9, "en": 6}


def test_every_format_is_there():
    assert {path.suffix for path in FILES} == {".txt", ".docx", ".pdf", ".html", ".md", ".csv", ".jsonl"}


def test_files_are_small():
    assert [path.name for path in FILES if path.stat().st_size > 300_000] == []


def test_encodings_are_those_that_readers_meet():
    assert raw("en/news-farsail-pellworth.txt").startswith((b"\xff\xfe", b"\xfe\xff"))
    assert raw("zh/exhibition-shen-yanqiu.txt").startswith(b"\xef\xbb\xbf")
    festival = raw("zh/news-film-festival.txt")
    assert "金鹭奖" in festival.decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        festival.decode("utf-8")


def test_readme_lists_every_file():
    assert sorted(re.findall(r"^\| `((?:en|zh)/[^`]+)` \|", README, re.MULTILINE)) == [
        path.relative_to(EXAMPLES).as_posix() for path in FILES
    ]


def test_table_and_records_have_the_shape_the_readme_says():
    with (EXAMPLES / "zh" / "museum-exhibits.csv").open(encoding="utf-8", newline="") as stream:
        assert {len(row) for row in csv.reader(stream)} == {8}
    lines = (EXAMPLES / "en" / "press-releases.jsonl").read_text(encoding="utf-8").splitlines()
    assert [sorted(json.loads(line)) for line in lines] == [["date", "id", "publisher", "text", "title"]] * 10


def test_every_file_is_found_and_read(documents):
    found = {path.relative_to(EXAMPLES).as_posix() for path in find_files([EXAMPLES / "en", EXAMPLES / "zh"])}
    assert found == set(documents)
    assert {name: len(texts) for name, texts in documents.items() if len(texts) > 1} == {"en/press-releases.jsonl": 10}


def test_reading_gives_no_warning(documents):
    assert [(d.name, d.warnings) for found in documents.values() for d in found if d.warnings] == []


def test_language_is_that_of_the_folder(documents):
    assert [name for name, found in documents.items() if {d.language for d in found} != {name[:2]}] == []


def test_no_text_is_lost_on_the_way(documents):
    assert "1974年10月25日出生于棠州" in documents["zh/annual-report-farsail.pdf"][0].text
    assert "许明远违反保密义务" in documents["zh/judgment-farsail-chengchuan.docx"][0].text
    assert "1963年" in documents["zh/biography-shen-yanqiu.docx"][0].text
    assert "金鹭奖最佳影片" in documents["zh/news-film-festival.txt"][0].text
    assert "£38 million" in documents["en/news-farsail-pellworth.txt"][0].text
    assert "永济号残骸" in documents["zh/museum-exhibits.csv"][0].text


def test_web_pages_are_read_without_their_menus(documents):
    for name, menu in (("zh/leaflet-lanning.html", "网站地图"), ("en/biography-edwin-harcourt.html", "Cecily Vaughan")):
        assert menu in raw(name).decode()
        assert menu not in documents[name][0].text


def test_words_broken_across_pdf_lines_are_whole(documents):
    text = documents["zh/annual-report-farsail.pdf"][0].text
    assert "董事会秘书为沈一诺" in text
    assert "会计师事务所为公司出具了标准无保留意见" in text


def test_pages_of_a_pdf_are_known(documents):
    for name in ("zh/annual-report-farsail.pdf", "en/annual-report-brightmere.pdf", "en/paper-river-sensing.pdf"):
        assert {span.page for span in documents[name][0].pages} == {1, 2}


def test_chronicle_is_long_and_does_not_repeat_itself(documents):
    text = documents["zh/chronicle-lu-family.txt"][0].text
    assert len(text) >= 20_000
    paragraphs = [line for line in text.splitlines() if len(line) > 40]
    assert len(set(paragraphs)) == len(paragraphs)
    assert len(chunk(documents["zh/chronicle-lu-family.txt"][0])) > 10


@pytest.mark.parametrize("names", RECURRING, ids=lambda names: names[0])
def test_the_same_things_recur_across_files(documents, names):
    naming = [file for file, found in documents.items() if any(name in d.text for d in found for name in names)]
    assert len(naming) >= RECURRING[names], naming


def test_every_spelling_of_a_recurring_thing_occurs(documents):
    text = "\n".join(d.text for found in documents.values() for d in found)
    assert [name for names in RECURRING for name in names if name not in text] == []


def test_sources_disagree_where_the_readme_says(documents):
    text = {name: "\n".join(d.text for d in found) for name, found in documents.items()}
    assert "沈砚秋1912年3月18日出生于石埠县白鹭镇" in text["zh/biography-shen-yanqiu.docx"]
    assert "沈砚秋出生于云陵" in text["zh/chronicle-lu-family.txt"]
    assert "Shen Yanqiu, born in Yunling in 1913" in text["en/travel-tangzhou.md"]
    assert "远棹科技创办于2005年" in text["zh/news-film-festival.txt"]
    assert "founded on March 16, 2006" in text["en/press-releases.jsonl"]
