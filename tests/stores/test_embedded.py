"""The life of an embedded server: started by the first, joined by others, ended after the last, replaced if killed."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kgbuilder.errors import StoreError
from kgbuilder.stores import broker, embedded, open_embedded
from kgbuilder.stores.broker import LOCK_NAME, STATE_NAME
from kgbuilder.stores.embedded import Lease, stop

real = [pytest.mark.server, pytest.mark.xdist_group("embedded")]


def state(folder: Path) -> broker.State:
    return broker.State(**json.loads((folder / STATE_NAME).read_text()))


def is_up(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


# --- a server that is not one -----------------------------------------------------------------------------------------


@pytest.fixture
def fake_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a shell script in the place of Java; return the folder for the graph."""
    package = tmp_path / "package"
    java = package / "jre" / "bin" / "java"
    java.parent.mkdir(parents=True)
    monkeypatch.setattr(embedded, "_package", lambda: package)

    def write(script: str) -> Path:
        java.write_text(f"#!/bin/sh\n{script}\n")
        java.chmod(0o755)
        return tmp_path / "graph"

    return write


def refusal(folder: Path) -> StoreError:
    began = time.monotonic()
    with pytest.raises(StoreError) as refused:
        Lease(folder, idle_s=1)
    assert time.monotonic() - began < 10
    assert refused.value.where == str(folder)
    assert refused.value.remedy
    assert wait_until(lambda: not embedded._is_locked(folder))
    return refused.value


def test_a_server_that_cannot_start_says_why(fake_java: Callable[[str], Path]):
    folder = fake_java("echo 'Error: could not create the Java Virtual Machine' >&2; exit 1")
    assert "could not create the Java Virtual Machine" in refusal(folder).what


def test_a_server_whose_start_fails_but_who_lives_on_says_why(fake_java: Callable[[str], Path]):
    folder = fake_java("""echo 'Exception in thread "main" Unable to load the database'; exec sleep 60""")
    assert "Unable to load the database" in refusal(folder).what


def test_a_full_disk_is_named(fake_java: Callable[[str], Path]):
    folder = fake_java(
        """echo 'Exception in thread "main" java.io.IOException: No space left on device'; exec sleep 60"""
    )
    error = refusal(folder)
    assert "no space left" in error.what
    assert "free some space" in error.remedy


def test_taken_ports_are_tried_again_with_others(fake_java: Callable[[str], Path], tmp_path: Path):
    folder = fake_java(
        f"""echo "$@" >> {tmp_path}/starts; echo 'Exception in thread "main" Unable to listen'; exec sleep 60"""
    )
    assert "ports taken 3 times" in refusal(folder).what
    starts = (tmp_path / "starts").read_text().splitlines()
    assert len(starts) == len(set(starts)) == 3


def test_a_java_of_another_platform_is_named(fake_java: Callable[[str], Path]):
    folder = fake_java("")
    java = embedded._package() / "jre" / "bin" / "java"
    java.write_bytes(b"\x7fELF\x02\x01\x01\x00 not a program of this machine")
    refusal(folder)


def test_no_password_is_among_the_arguments(fake_java: Callable[[str], Path], tmp_path: Path):
    folder = fake_java(
        f"""echo "$@" > {tmp_path}/arguments; tr '\\0' '\\n' < /proc/$$/environ > {tmp_path}/environment; exit 1"""
    )
    refusal(folder)
    password = next(
        line.partition("=")[2]
        for line in (tmp_path / "environment").read_text().splitlines()
        if line.startswith("arcadedb.server.rootPassword=")
    )
    assert len(password) >= 32
    assert password not in (tmp_path / "arguments").read_text()


def test_a_wheel_without_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "arcadedb_embedded").mkdir()
    (tmp_path / "arcadedb_embedded" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StoreError, match="no Java for this platform"):
        Lease(tmp_path / "graph")


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(StoreError, match="not installed") as refused:
        Lease(tmp_path / "graph")
    assert "pip install" in refused.value.remedy


def test_too_little_space_is_refused_before_anything_starts(
    fake_java: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
):
    folder = fake_java("exit 1")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))
    assert "disk is full" in refusal(folder).what


def test_a_folder_that_is_a_file_is_refused(fake_java: Callable[[str], Path]):
    folder = fake_java("exit 1")
    folder.write_text("a file")
    assert "cannot be written" in refusal(folder).what


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(fake_java: Callable[[str], Path]):
    folder = fake_java("exit 1")
    folder.mkdir(mode=0o500)
    assert "cannot be written" in refusal(folder).what


def test_a_folder_on_which_nothing_can_be_written_is_refused(fake_java: Callable[[str], Path]):
    fake_java("exit 1")
    folder = Path("/proc/kgbuilder-graph")
    assert "cannot be written" in refusal(folder).what


# --- the real one -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a graph; its server is ended with the test."""
    yield tmp_path / "graph"
    with contextlib.suppress(StoreError):
        stop(tmp_path / "graph")


@pytest.fixture
def lease() -> Iterator[Callable[[Path], Lease]]:
    """Take leases that are given back with the test."""
    with contextlib.ExitStack() as taken:

        def take(folder: Path) -> Lease:
            found = Lease(folder, heap="256m", idle_s=1)
            taken.callback(found.close)
            return found

        yield take


class TestReal:
    pytestmark = real

    def test_what_users_must_know_is_for_the_owner_only(self, folder: Path, lease: Callable[[Path], Lease]):
        held = lease(folder)
        assert stat.S_IMODE((folder / STATE_NAME).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert held.address.password not in repr(held.address)
        assert held.address.reader_password not in repr(held.address)

    def test_it_ends_when_nobody_holds_a_lease(self, folder: Path, lease: Callable[[Path], Lease]):
        first, second = lease(folder), lease(folder)
        pids = state(folder)
        first.close()
        time.sleep(1.5)
        assert is_up(pids.bolt_port)
        second.close()
        assert wait_until(lambda: not is_up(pids.bolt_port))
        assert wait_until(lambda: not embedded._is_locked(folder))
        assert not (folder / STATE_NAME).exists()

    def test_a_killed_client_holds_no_lease(self, folder: Path):
        code = (
            "import sys, time; from pathlib import Path; from kgbuilder.stores.embedded import Lease; "
            "lease = Lease(Path(sys.argv[1]), heap='256m', idle_s=1); print('held', flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == b"held\n"
            port = state(folder).bolt_port
            client.kill()
        assert wait_until(lambda: not is_up(port))

    def test_several_at_once_share_one_server(self, folder: Path, lease: Callable[[Path], Lease]):
        leases: list[Lease] = []
        starting = [threading.Thread(target=lambda: leases.append(lease(folder))) for _ in range(4)]
        for each in starting:
            each.start()
        for each in starting:
            each.join()
        assert len({each.address for each in leases}) == 1
        assert len(leases) == 4

    def test_a_server_that_ends_is_started_again_where_it_was(self, folder: Path, lease: Callable[[Path], Lease]):
        held = lease(folder)
        before = state(folder)
        os.kill(before.server_pid, signal.SIGKILL)
        assert wait_until(lambda: (folder / STATE_NAME).exists() and state(folder).server_pid != before.server_pid)
        assert held.renew() == lease(folder).address
        assert state(folder).bolt_port == before.bolt_port
        assert "started again" in (folder / "broker.log").read_text()

    def test_the_server_goes_with_its_broker(self, folder: Path, lease: Callable[[Path], Lease]):
        held = lease(folder)
        os.kill(state(folder).broker_pid, signal.SIGKILL)
        assert wait_until(lambda: not is_up(state(folder).bolt_port), 3)
        address = held.renew()
        assert is_up(int(address.uri.rpartition(":")[2]))

    def test_the_server_goes_with_its_supervisor(self, folder: Path, lease: Callable[[Path], Lease]):
        held = lease(folder)
        before = state(folder)
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(before.broker_pid)], capture_output=True, text=True, check=False
        )
        os.kill(int(children.stdout), signal.SIGKILL)
        assert wait_until(lambda: state(folder).server_pid != before.server_pid)
        held.renew()
        assert not Path(f"/proc/{before.server_pid}").exists() or not is_up(before.server_pid)

    @pytest.mark.parametrize("left", ["garbage", "{}", "[]", "", "another program"])
    def test_what_a_power_cut_left_is_no_obstacle(self, folder: Path, lease: Callable[[Path], Lease], left: str):
        folder.mkdir()
        (folder / LOCK_NAME).touch()
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            if left == "another program":
                port = stranger.getsockname()[1]
                values = {"broker_pid": 1, "broker_port": port, "token": "x", "server_pid": 1, "bolt_port": port}
                values |= {"http_port": port, "root_password": "a" * 32, "reader_password": "b" * 32}
                left = json.dumps({**values, "has_users": False})
                threading.Thread(target=_refuse, args=(stranger,), daemon=True).start()
            (folder / STATE_NAME).write_text(left)
            lease(folder)
            assert state(folder).broker_pid > 1

    def test_a_stranger_gets_no_lease(self, folder: Path, lease: Callable[[Path], Lease]):
        held = lease(folder)
        with socket.create_connection(("127.0.0.1", state(folder).broker_port), timeout=5) as stranger:
            assert stranger.recv(100) == broker.GREETING
            stranger.sendall(b'{"token": "guess", "want": "lease"}\n')
            assert stranger.recv(100) == b""
        with socket.create_connection(("127.0.0.1", state(folder).broker_port), timeout=5) as stranger:
            stranger.recv(100)
            stranger.sendall(b"\xff" * 10_000)
            with contextlib.suppress(ConnectionError):
                assert stranger.recv(100) == b""
        assert held.renew()

    def test_stopping_frees_the_folder(self, folder: Path, lease: Callable[[Path], Lease]):
        lease(folder)
        stop(folder)
        assert not embedded._is_locked(folder)
        shutil.rmtree(folder)

    def test_a_graph_outlives_its_server(self, folder: Path):
        with open_embedded(folder, heap="256m", idle_s=1) as store:
            store.migrate()
            store._write_alone("set_schema_version", {"version": 1})
        stop(folder)
        with open_embedded(folder, heap="256m", idle_s=1) as store:
            assert store._schema_version() == 1


def _refuse(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.sendall(b"220 another program\r\n")
            connection.close()
