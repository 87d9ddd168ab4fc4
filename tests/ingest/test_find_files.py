"""Which files a path, a folder or a pattern names."""

import os
from pathlib import Path

import pytest

from kgbuilder.errors import IngestError
from kgbuilder.ingest import Limits, find_files, read, read_isolated


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text", "utf-8")


def _failure(path: Path, **keywords: object) -> IngestError:
    (item,) = read(path, **keywords)  # type: ignore[arg-type]
    assert isinstance(item, IngestError)
    assert item.remedy
    return item


def test_a_folder_is_walked_in_sorted_order_without_hidden_and_lock_files(tmp_path: Path) -> None:
    _touch(tmp_path, "b.txt", "a/z.txt", "a/c.md", ".hidden", ".git/config", "~$report.docx", "Thumbs.db", "图.txt")
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([tmp_path])]
    assert found == ["a/c.md", "a/z.txt", "b.txt", "图.txt"]


def test_a_pattern_finds_files_below_folders(tmp_path: Path) -> None:
    _touch(tmp_path, "a/x.txt", "a/b/y.txt", "a/b/z.md")
    found = [path.name for path in find_files([tmp_path / "**" / "*.txt"])]
    assert sorted(found) == ["x.txt", "y.txt"]


def test_a_file_named_twice_is_found_once(tmp_path: Path) -> None:
    _touch(tmp_path, "a.txt")
    assert list(find_files([tmp_path / "a.txt", tmp_path])) == [tmp_path / "a.txt"]


def test_a_file_with_pattern_signs_in_its_name_is_a_file(tmp_path: Path) -> None:
    _touch(tmp_path, "report[1].txt")
    assert list(find_files([tmp_path / "report[1].txt"])) == [tmp_path / "report[1].txt"]


@pytest.mark.parametrize(("name", "what"), [("none.txt", "no such file"), ("*.pdf", "no file matches")])
def test_a_path_that_leads_nowhere_becomes_an_error_when_read(tmp_path: Path, name: str, what: str) -> None:
    (path,) = find_files([tmp_path / name])
    error = _failure(path)
    assert what in error.what
    assert name in error.where


def test_links_in_a_circle_do_not_hang(tmp_path: Path) -> None:
    _touch(tmp_path, "a/x.txt")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert [path.name for path in find_files([tmp_path])] == ["x.txt"]


def test_a_link_without_a_target_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    (path,) = find_files([tmp_path])
    assert "link leads to no file" in _failure(path).what


def test_a_link_to_itself_says_so(tmp_path: Path) -> None:
    (tmp_path / "self.txt").symlink_to(tmp_path / "self.txt")
    assert "cannot be opened" in _failure(tmp_path / "self.txt").what


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "a folder" in _failure(tmp_path).what


@pytest.mark.timeout(20)
@pytest.mark.parametrize("reader", [read, read_isolated])
def test_a_named_pipe_does_not_block(tmp_path: Path, reader: object) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    (item,) = reader(tmp_path / "pipe.pdf")  # type: ignore[operator]
    assert isinstance(item, IngestError)
    assert "named pipe" in item.what


@pytest.mark.timeout(20)
def test_an_endless_device_is_not_read() -> None:
    assert "a device" in _failure(Path("/dev/zero")).what


@pytest.mark.timeout(20)
def test_a_file_of_three_gigabytes_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as stream:
        stream.truncate(3 * 1024**3)
    error = _failure(path)
    assert "3,221,225,472 bytes" in error.what
    assert "max_file_bytes" in error.remedy


def test_the_limit_on_the_size_can_be_set(tmp_path: Path) -> None:
    _touch(tmp_path, "a.txt")
    assert "limit of 3" in _failure(tmp_path / "a.txt", limits=Limits(max_file_bytes=3)).what


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").touch()
    assert "empty" in _failure(tmp_path / "a.pdf").what


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    _touch(tmp_path, "a.txt")
    (tmp_path / "a.txt").chmod(0)
    assert "permission" in _failure(tmp_path / "a.txt").what


def test_a_refused_opening_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    _touch(tmp_path, "a.txt")
    monkeypatch.setattr(os, "open", refuse)
    assert "no permission" in _failure(tmp_path / "a.txt").what


def test_a_nul_in_a_path_is_no_crash() -> None:
    assert "NUL" in _failure(Path("a\0b.txt")).what


def test_a_file_name_that_is_no_utf8_gives_a_source_that_can_be_stored(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("text", "utf-8")
    (document,) = read(path)
    assert not isinstance(document, IngestError)
    assert document.name == "caf\ufffd.txt"
    document.source.encode("utf-8")


def test_errors_name_the_source_the_caller_gave(tmp_path: Path) -> None:
    assert _failure(tmp_path / "none.txt", source="uploads/none.txt").where == "uploads/none.txt"
