"""A real PostgreSQL server as processes of its own, from the system's packages."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg
from sqlalchemy import URL

from facetkit.sql import database_url
from tests.ports import free_port

_PACKAGES = Path("/usr/lib/postgresql")
_USER = "facet"


class PostgresServer:
    """Databases on loopback, trusting everybody; it can be killed and started again.

    Their own order of texts is not that of bytes. Nothing is synced to the disk: what was
    committed survives the server, not the machine.
    """

    def __init__(self) -> None:
        self.port = free_port()
        # Not below pytest's folders: those are closed to the server's own user.
        self._folder = Path(tempfile.mkdtemp(prefix="facet-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._make()

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
        }
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        data = str(self._folder / "data")
        self._process = subprocess.Popen(
            _command("postgres", "-D", data, *given), **_unprivileged()
        )
        while self._process.poll() is None:
            try:
                self._connection("postgres").close()
                return
            except psycopg.OperationalError:
                time.sleep(0.02)
        raise RuntimeError("PostgreSQL did not start")

    def kill(self) -> None:
        """kill -9, of all its processes."""
        if self._process is None:
            return
        serving = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for each in serving:
            # They end by themselves, too, once the first one is gone.
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self._process.wait()
        psutil.wait_procs(serving)
        self._process = None

    def remove(self) -> None:
        """Ends the server and removes all that it kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self._folder)

    def new_database(self) -> URL:
        """An empty database."""
        name = f"test_{next(self._numbers)}"
        self.execute("postgres", f"CREATE DATABASE {name}")
        return database_url(f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}")

    def execute(self, database: str, statement: str) -> None:
        """Runs a statement by itself."""
        connection = self._connection(database)
        connection.autocommit = True
        with connection:
            connection.execute(statement.encode())

    def _make(self) -> None:
        user = _unprivileged().get("user")
        if user:
            shutil.chown(self._folder, user)
        collation = ("--locale-provider=icu", "--icu-locale=und", "--locale=C.UTF-8")
        arguments = ("-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync", *collation)
        command = _command("initdb", "-D", str(self._folder / "data"), *arguments)
        subprocess.run(command, check=True, **_unprivileged())

    def _connection(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self._folder), port=self.port, user=_USER, dbname=database, connect_timeout=5
        )


def _command(program: str, *arguments: str) -> list[str]:
    newest = max(
        _PACKAGES.glob(f"*/bin/{program}"), key=lambda path: int(path.parts[-3]), default=None
    )
    if newest is None:
        raise RuntimeError(f"no PostgreSQL below {_PACKAGES}: install the package postgresql")
    return [str(newest), *arguments]


def _unprivileged() -> dict[str, Any]:
    """How to run the server's programs, which refuse to be root's."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    if os.geteuid() != 0:
        return silent
    return {**silent, "user": "postgres", "group": "postgres", "extra_groups": ()}
