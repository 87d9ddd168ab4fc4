"""Reading in a child process: the same documents, and no harm from a child that dies."""

import os
import signal
import threading
from pathlib import Path

import docx
import pytest

from kgbuilder.errors import IngestError
from kgbuilder.ingest import Limits, read, read_isolated
from kgbuilder.ingest.isolation import _reader
from kgbuilder.records import Document

pytestmark = pytest.mark.slow

HTML = "<html><body><p>Huawei was founded in Shenzhen. 华为在深圳创立。</p></body></html>"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "a.html"
    path.write_text(HTML, "utf-8")
    return path


def _child() -> int:
    child = _reader(os.getpid())._child
    assert child is not None
    return child.pid


def _text(path: Path, limits: Limits | None = None) -> str:
    (document,) = read_isolated(path, limits=limits)
    assert isinstance(document, Document), str(document)
    return document.text


def test_documents_are_those_that_read_gives(page: Path, tmp_path: Path) -> None:
    word = docx.Document()
    word.add_paragraph("第一段。")
    word.save(str(tmp_path / "b.docx"))
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.4 cut off")
    (tmp_path / "d.txt").write_text("plain", "utf-8")
    for name in ("a.html", "b.docx", "d.txt"):
        path = tmp_path / name
        assert list(read_isolated(path, source=f"in/{name}")) == list(read(path, source=f"in/{name}"))
    (error,), (expected,) = read_isolated(tmp_path / "c.pdf"), read(tmp_path / "c.pdf")
    assert str(error) == str(expected)


def test_the_child_is_kept_for_the_next_file(page: Path) -> None:
    _text(page)
    first = _child()
    _text(page)
    assert _child() == first


def test_a_relative_path_is_found_after_a_change_of_folder(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _text(page)
    monkeypatch.chdir(page.parent)
    (document,) = read_isolated(Path("a.html"))
    assert isinstance(document, Document)
    assert document.source == "a.html"


def test_modules_beside_the_files_are_not_imported(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (page.parent / "trafilatura.py").write_text("raise SystemExit", "utf-8")
    _reader(os.getpid()).close()
    monkeypatch.chdir(page.parent)
    assert "Huawei" in _text(Path("a.html"))


def test_a_child_killed_between_files_is_replaced(page: Path) -> None:
    _text(page)
    os.kill(_child(), signal.SIGKILL)
    os.waitid(os.P_PID, _child(), os.WEXITED | os.WNOWAIT)
    assert "Huawei" in _text(page)


def test_a_child_that_dies_costs_one_file_an_error(page: Path) -> None:
    _text(page)
    os.kill(_child(), signal.SIGSTOP)
    killer = threading.Timer(0.2, os.kill, (_child(), signal.SIGKILL))
    killer.start()
    (error,) = read_isolated(page, source="a.html")
    killer.join()
    assert isinstance(error, IngestError)
    assert "the reader died" in error.what
    assert error.where == "a.html"
    assert error.remedy
    assert "Huawei" in _text(page)


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_given_up(page: Path) -> None:
    limits = Limits(max_reader_s=0.3)
    list(read_isolated(page, limits=limits))
    (error,) = read_isolated(page, limits=Limits(max_reader_s=0.01))
    assert isinstance(error, IngestError)
    assert "longer than 0.01 seconds" in error.what
    assert "max_reader_s" in error.remedy
    assert "Huawei" in _text(page)


@pytest.mark.slow
def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "big.html"
    path.write_text("<html><body>" + "<p>word <b>word</b></p>" * 300_000 + "</body></html>", "utf-8")
    (error,) = read_isolated(path, limits=Limits(max_reader_bytes=400 * 1024**2))
    assert isinstance(error, IngestError)
    assert "memory" in str(error)


def test_threads_wait_for_one_another(page: Path) -> None:
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(_text(page))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 4
    assert len(set(texts)) == 1
