"""A PostgreSQL server of the test's own, in a temporary folder, on loopback."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["find_postgres", "running_postgres"]


def find_postgres() -> Path | None:
    """Return the folder of the server's programs, or None when it is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*folders, *([Path(on_path).parent] if on_path else [])]
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Start a server in `folder` and yield the URL of an empty database."""
    programs = find_postgres()
    assert programs is not None
    data = folder / "data"
    # The server refuses to run as root.
    user = _other_user() if os.geteuid() == 0 else None
    if user is not None:
        for path in (folder, *folder.parents):
            if path == Path("/tmp"):
                break
            path.chmod(0o755)
        shutil.chown(folder, user.pw_name)
    become = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}

    def run(*command: str) -> None:
        done = subprocess.run(
            command, cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **become
        )
        assert done.returncode == 0, done.stdout

    run(str(programs / "initdb"), "-D", str(data), "-U", "kg", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    port = _free_port()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run(str(programs / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start")
    try:
        yield f"postgresql+psycopg://kg@127.0.0.1:{port}/postgres"
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("no user to run the server as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
