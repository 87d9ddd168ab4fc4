"""Files as they come: good ones land, bad ones are named with a remedy, and nothing is read or asked twice."""

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docx import Document as WordDocument
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from kgbuilder.instructions import Example
from kgbuilder.records import MentionClaim, TripleClaim
from tests.e2e.conftest import ONTOLOGY, MakeProgram, emptied
from tests.e2e.graphs import check_grounded
from tests.e2e.program import Place, Program
from tests.servers.model import Answers, ModelServer, Script, running
from tests.worlds import WorldDocument

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("embedded")]

STATED = "Mira Holt founded Tallow Works in Dunmere."
FACTS = Example(
    text=STATED,
    mentions=(
        MentionClaim(text="Mira Holt", label="PER"),
        MentionClaim(text="Tallow Works", label="ORG"),
        MentionClaim(text="Dunmere", label="LOC"),
    ),
    triples=(TripleClaim(head="Tallow Works", relation="founded_by", tail="Mira Holt"),),
)


@pytest.fixture
def reader() -> Iterator[ModelServer]:
    """A model that knows one sentence."""
    with running(Answers([FACTS], ONTOLOGY), Script()) as server:
        yield server


@pytest.fixture
def library(embedded_place: Place, program: MakeProgram, tmp_path: Path, reader: ModelServer) -> Program:
    """A workspace beside an empty folder `files`."""
    (tmp_path / "files").mkdir()
    made = program(tmp_path, embedded_place)
    made.ask(reader)
    return made


# --- a folder of good and bad files -----------------------------------------------------------------------------------


def write_pdf(path: Path, text: str, *, password: str = "") -> None:
    canvas = Canvas(str(path), encrypt=StandardEncryption(password, ownerPassword="owner") if password else None)
    if text:
        canvas.drawString(72, 720, text)
    else:
        canvas.rect(72, 72, 400, 600, fill=1)
    canvas.showPage()
    canvas.save()


def write_docx(path: Path, text: str) -> None:
    document = WordDocument()
    document.add_paragraph(text)
    document.save(str(path))


def write_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"<w:p>" + b" " * 60_000_000)


def write_truncated(path: Path) -> None:
    write_docx(path, STATED)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def write_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)


GOOD: dict[str, Callable[[Path], None]] = {
    "plain.txt": lambda path: _write(path, f"A note. {STATED}"),
    "notes.md": lambda path: _write(path, f"# Notes\n\n{STATED}\n"),
    "page.html": lambda path: _write(path, f"<html><body><article><p>A page. {STATED}</p></article></body></html>"),
    "report.pdf": lambda path: write_pdf(path, STATED),
    "letter.docx": lambda path: write_docx(path, f"Dear all. {STATED}"),
    "rows.csv": lambda path: _write(path, f"no,remark\n1,{STATED}\n"),
    "lines.jsonl": lambda path: _write(path, f'{{"text": "First line. {STATED}"}}\n{{"text": "Second. {STATED}"}}\n'),
    "chinese.txt": lambda path: (
        path.write_bytes(f"编码是国标的一段文字，说的是别的事。\n{STATED}".encode("gb18030")) and None
    ),
    "misnamed.pdf": lambda path: _write(path, f"Plain text in a file that says it is a PDF. {STATED}"),
}
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "encrypted.pdf": (lambda path: write_pdf(path, STATED, password="secret"), "password"),
    "scanned.pdf": (lambda path: write_pdf(path, ""), "OCR"),
    "empty.txt": (lambda path: _write(path, ""), "empty"),
    "blank.txt": (lambda path: _write(path, " \n\t\n"), "no text"),
    "truncated.docx": (write_truncated, "damaged"),
    "bomb.docx": (write_bomb, "unpack"),
    "photo.txt": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256))) and None, "image"),
    "archive.gz": (lambda path: path.write_bytes(b"\x1f\x8b\x08" + bytes(100)) and None, "gzip"),
    "huge.txt": (write_sparse, "limit"),
    "gone.txt": (lambda path: path.symlink_to("nowhere.txt"), "link"),
    "pipe.txt": (os.mkfifo, "pipe"),
    "broken.jsonl": (lambda path: _write(path, '{"text": "half a line'), "JSON"),
}
if os.geteuid() != 0:  # whom nothing is forbidden
    BAD["forbidden.txt"] = (lambda path: (_write(path, STATED), path.chmod(0))[1], "permission")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def test_good_files_land_and_each_bad_one_is_named_with_a_remedy(library: Program, reader: ModelServer) -> None:
    folder = library.folder / "files"
    for name, write in GOOD.items():
        write(folder / name)
    for name, (write, _) in BAD.items():
        write(folder / name)
    done = library.run("build", "files", status=1)
    told = [line for line in done.err.splitlines() if line.startswith("not read: ")]
    for name, (_, sign) in BAD.items():
        (line,) = [line for line in told if f"files/{name}" in line]
        assert sign.lower() in line.lower()
        assert line.rstrip().endswith(")")
    assert len(told) == len(BAD)
    status = library.json("status", "--documents")
    sources = {source for document in status["documents_list"] for source in document["sources"]}
    assert {source.partition("#")[0] for source in sources} == {f"files/{name}" for name in GOOD}
    assert status["unreadable"] == len(BAD)
    assert {
        Path(source["source"].partition("#")[0]).name.partition(":")[0].partition(" ")[0]
        for source in status["unreadable_sources"]
    } == set(BAD)
    (fact,) = library.rows("facts")
    assert len(fact["evidence"]) == status["documents"] == len(GOOD) + 1  # two lines of the JSONL
    check_grounded(library)
    again = library.call("build", "files", "--json", status=1).json()
    assert {Path(error["where"].partition(":")[0]).name for error in again["unreadable_files"]} >= {
        "huge.txt",
        "pipe.txt",
    }
    # A file that was mended is forgotten among the bad ones.
    _write(folder / "empty.txt", f"Now it says something. {STATED}")
    library.call("build", "files/empty.txt")
    assert library.json("status")["unreadable"] == len(BAD) - 1
    assert library.json("status")["documents"] == len(GOOD) + 2


def test_a_path_that_leads_nowhere_fails_alone(library: Program) -> None:
    _write(library.folder / "files" / "a.txt", STATED)
    done = library.call("build", "files/missing.txt", "nowhere/*.txt", "files/a.txt", status=1)
    assert "files/missing.txt: there is no such file" in done.err
    assert "nowhere/*.txt: no file matches the pattern" in done.err
    assert library.json("status")["facts"] == 1


# --- nothing twice ----------------------------------------------------------------------------------------------------


def test_the_same_content_twice_is_one_document_and_asked_once(library: Program, reader: ModelServer) -> None:
    for name in ("a.txt", "b.txt"):
        _write(library.folder / "files" / name, STATED)
    library.call("build", "files")
    status = library.json("status", "--documents")
    assert status["documents"] == 1
    (document,) = status["documents_list"]
    assert document["sources"] == ["files/a.txt", "files/b.txt"]
    assert reader.counts["requests"] == 1
    library.call("build", "files/b.txt")
    assert reader.counts["requests"] == 1
    # One of its files now says something else; the other still says this.
    _write(library.folder / "files" / "b.txt", "Something else.")
    library.call("build", "files")
    assert library.json("status")["documents"] == 2
    assert library.json("status")["facts"] == 1
    _write(library.folder / "files" / "a.txt", "And this too.")
    library.call("build", "files")
    assert library.json("status")["documents"] == 2
    assert library.json("status")["facts"] == library.json("status")["entities"] == 0


def test_a_changed_document_is_asked_again_only_where_it_changed(
    desk: Path,
    embedded_place: Place,
    program: MakeProgram,
    model: ModelServer,
    world: list[WorldDocument],
    request: pytest.FixtureRequest,
) -> None:
    path = desk / "docs" / "long.txt"
    parts = [document.text for document in world if document.language == "zh"]
    path.write_text("\n".join(parts), encoding="utf-8")
    edited = program(desk, embedded_place, workspace="edited")
    chunking = {"chunk": {"max_tokens": 400}}
    edited.ask(model)
    edited.configure(**chunking, extractor="endpoint", extractors=endpoint_of(model))
    edited.call("build", "docs/long.txt")
    (before,) = edited.json("status", "--documents")["documents_list"]
    n_chunks = sum(before["chunks"].values())
    assert n_chunks == model.counts["requests"] > 60
    changed = "据介绍，这一段是后来补上的，与别处无关。"
    path.write_text("\n".join([*parts[:9], changed + parts[9], *parts[10:]]), encoding="utf-8")
    edited.call("build", "docs/long.txt")
    assert 1 <= model.counts["requests"] - n_chunks <= n_chunks // 10
    (after,) = edited.json("status", "--documents")["documents_list"]
    assert after["id"] != before["id"]
    revised = edited.exported()
    fresh = program(desk, emptied(request, "embedded"), workspace="fresh")
    fresh.configure(**chunking, extractor="endpoint", extractors=endpoint_of(model))
    fresh.call("build", "docs/long.txt")
    assert fresh.exported() == revised


def endpoint_of(model: ModelServer) -> dict[str, object]:
    return {"endpoint": {"url": model.url, "model": model.script.model}}


# --- long texts -------------------------------------------------------------------------------------------------------


def test_five_megabytes_are_read_to_the_last_sentence(library: Program, reader: ModelServer) -> None:
    lines = [f"第{n}条记录说，这一天没有什么值得写下来的事情，天气和前一天一样。\n" for n in range(52_000)]
    text = "".join(lines) + STATED
    assert len(text.encode()) > 5_000_000
    _write(library.folder / "files" / "long.txt", text)
    library.call("build", "files")
    (document,) = library.json("status", "--documents")["documents_list"]
    shown = library.json("show", document["id"])
    assert shown["n_chars"] == len(text)
    chunks = sorted(shown["chunks"], key=lambda chunk: chunk["start"])
    assert {chunk["state"] for chunk in chunks} == {"done"}
    reached = 0
    for chunk in chunks:
        assert not text[reached : chunk["start"]].strip()
        assert chunk["end"] > reached
        reached = chunk["end"]
    assert not text[reached:].strip()
    assert reader.counts["requests"] == len(chunks) > 1000
    (fact,) = library.rows("facts")
    assert fact["evidence"][0]["end"] == len(text)
