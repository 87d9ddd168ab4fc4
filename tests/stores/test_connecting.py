"""What a person is told when there is no graph server where one should be."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from kgbuilder.errors import StoreError
from kgbuilder.stores import GraphStore

PASSWORD = "not-to-be-seen"


@contextlib.contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """A port where something listens that is no graph server."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()


def refusal(uri: str) -> StoreError:
    began = time.monotonic()
    with pytest.raises(StoreError) as refused:
        GraphStore.connect(uri, auth=("neo4j", PASSWORD), database="neo4j")
    assert time.monotonic() - began < 10
    error = refused.value
    assert PASSWORD not in f"{error} {error!r} {error.__cause__!r}"
    assert error.remedy
    assert error.where == uri
    return error


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("scheme", ["bolt", "neo4j", "bolt+s"])
def test_a_server_that_is_not_up(scheme: str):
    assert "not up" in refusal(f"{scheme}://127.0.0.1:{free_port()}").what


def test_a_host_that_does_not_exist():
    assert "not up" in refusal("bolt://no-such-host.invalid:7687").what


@pytest.mark.slow
def test_a_port_where_nothing_answers():
    with listening(b"") as port:
        assert "does not answer" in refusal(f"bolt://127.0.0.1:{port}").what


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_a_port_where_something_else_answers(answer: bytes):
    with listening(answer) as port:
        assert "Bolt" in refusal(f"bolt://127.0.0.1:{port}").what


@pytest.mark.parametrize(
    "uri", ["", "localhost:7687", "http://localhost:7474", "bolt://", "bolt://host:port", "bolt://h:1/?x=1"]
)
def test_an_address_that_is_none(uri: str):
    refusal(uri)


def test_a_profile_that_is_none():
    with pytest.raises(StoreError, match="page, worker"):
        GraphStore.connect("bolt://127.0.0.1:1", auth=("a", "b"), profile="patient")
