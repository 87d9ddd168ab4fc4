"""Uploads on disk: by content, never outside their folder."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.errors import StoreError
from ui.uploads import safe_name, save


class Upload(io.BytesIO):
    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("年报 2024.docx", "年报 2024.docx"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("..", "file"),
        ("/", "file"),
        (".hidden.txt", "hidden.txt"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("nul\x00l.txt", "null.txt"),
        ("half \ud800.md", "half.md"),
        ("<b>.html", "b.html"),
        ("no-suffix", "no-suffix"),
        ("...txt", "txt"),
    ],
)
def test_a_name_keeps_to_its_folder(given_name, kept):
    assert safe_name(given_name) == kept


@given(st.text(st.characters(codec=None)))
def test_any_name_makes_one_file_name(name):
    kept = safe_name(name)
    assert kept == os.path.basename(kept)
    assert kept not in ("", ".", "..")
    assert len(kept.encode()) <= 171
    assert not kept.startswith(".")


def test_a_long_name_keeps_its_suffix():
    kept = safe_name("茶" * 500 + ".pdf")
    assert kept.endswith("茶.pdf")
    assert len(kept.encode()) <= 150


def test_bytes_are_kept_under_their_sha256(tmp_path):
    stored = save(tmp_path / "uploads", Upload("a.txt", b"abc"))
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert stored.path == f"uploads/{digest}/a.txt"
    assert stored.source == f"upload:{digest[:12]}/a.txt"
    assert (tmp_path / stored.path).read_bytes() == b"abc"


def test_the_same_bytes_twice_are_kept_once(tmp_path):
    first = save(tmp_path / "uploads", Upload("a.txt", b"abc"))
    before = (tmp_path / first.path).stat().st_mtime_ns
    assert save(tmp_path / "uploads", Upload("a.txt", b"abc")) == first
    assert (tmp_path / first.path).stat().st_mtime_ns == before
    assert len([p for p in (tmp_path / "uploads").rglob("*") if p.is_file()]) == 1


def test_two_files_of_one_name_stay_apart(tmp_path):
    paths = {save(tmp_path / "uploads", Upload("a.txt", content)).path for content in (b"one", b"two")}
    assert len(paths) == 2


def test_a_folder_that_cannot_be_written_is_told_with_a_remedy(tmp_path):
    (tmp_path / "uploads").write_text("a file stands where the folder should be")
    with pytest.raises(StoreError) as caught:
        save(tmp_path / "uploads", Upload("a.txt", b"abc"))
    assert "a.txt" in caught.value.where
    assert caught.value.remedy


def test_a_disk_that_fills_up_leaves_no_half_file(tmp_path, monkeypatch):
    def full(_source: str, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StoreError, match="No space left"):
        save(tmp_path / "uploads", Upload("a.txt", b"abc"))
    assert [p for p in (tmp_path / "uploads").rglob("*") if p.is_file()] == []
