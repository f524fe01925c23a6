"""The process between a program and its embedded PostgreSQL server.

Run as a script, with nothing but the standard library, so that it starts fast. It holds the server's
lock, makes the database folder when there is none, starts the server, and stops it when the program
that asked for it is gone, however that ended: the end of its standard input says so.

Its standard output carries one JSON object a line to the program:
`{"state": "taken"}` another supervisor serves this folder; `{"state": "ready"}` the server answers;
`{"state": "failed", "reason": ...}`; and, once asked to stop, `{"state": "shared"}` when others still use
the server, or `{"state": "stopped"}`.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
NOBODY = 65534
SOCKET_NAME = ".s.PGSQL.5432"
# The kernel keeps 108 bytes for the path of a socket, the last of them a zero.
LONGEST_SOCKET_PATH = 107
# What a start says while processes of a server that was killed are still on their way out, and how many
# seconds they get for it.
STILL_IN_USE = "pre-existing shared memory block"
LAST_ONE_OUT = 60.0


class StartError(Exception):
    """The server cannot be started; the text is one line for people."""


def say(state: str, **more: str) -> None:
    try:
        sys.stdout.write(json.dumps({"state": state, **more}) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The program is gone; nobody is left to be told.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def try_lock(path: Path) -> IO[str] | None:
    """An exclusive lock, or None when somebody has it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def has_a_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def become_ordinary() -> None:
    """Enter a user namespace in which this process has an ordinary user's id.

    PostgreSQL refuses to run as root, and initdb wants the name of its user. In the namespace another
    id is shown, while files still belong to whoever started this; nothing is chowned or chmodded.
    """
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0 and has_a_name(uid):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")
    except OSError as error:
        who = "root" if uid == 0 else f"user id {uid}, which has no name"
        raise StartError(
            f"PostgreSQL does not run as {who}, and this system refuses a user namespace "
            f"({error.strerror}): run as an ordinary user"
        ) from None


def make_database(binaries: Path, database: Path) -> None:
    """Run initdb beside the database's place, then rename, so that a killed one leaves nothing half made."""
    if (database / "PG_VERSION").exists():
        return
    if database.exists() and any(database.iterdir()):
        raise StartError(f"{database} is not empty and not a PostgreSQL database: choose another folder")
    new = database.with_name(".database.new")
    if new.exists():
        shutil.rmtree(new)
    command = [
        str(binaries / "initdb"),
        f"--pgdata={new}",
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        lines = [line for line in done.stderr.splitlines() if "error" in line or "FATAL" in line]
        raise StartError(f"initdb failed in {database.parent}: {(lines or ['it gave no reason'])[0].strip()}")
    if database.exists():
        database.rmdir()
    new.rename(database)


def socket_folder(database: Path) -> tuple[Path, bool]:
    """Where the socket goes, and whether that folder was made for it.

    The database folder is private, so it is the first choice; its path can be too long for a socket.
    """
    if len(os.fsencode(database / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return database, False
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108 (the folder made in it is private)
        if place and os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK):
            folder = Path(tempfile.mkdtemp(prefix="datakit-", dir=place))
            if len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
                return folder, True
            folder.rmdir()
    raise StartError(f"no folder with a path short enough for a socket: {database} is too long")


def tie_to_parent() -> None:
    """In the server, before it starts: stop in order should the supervisor itself be killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGINT))


def start(binaries: Path, database: Path, sockets: Path, settings: list[str]) -> subprocess.Popen[bytes]:
    options = [part for setting in settings for part in ("-c", setting)]
    command = [str(binaries / "postgres"), "-D", str(database), "-k", str(sockets), *options]
    with (database / "server.log").open("ab") as log:
        # No thread runs in this process, so code between fork and exec is safe.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=tie_to_parent,
        )


def status(database: Path, pid: int | None = None) -> str:
    """What the server writes about itself: "starting", "ready", "stopping", or nothing.

    With a `pid`, nothing unless it is that server which writes.
    """
    try:
        lines = (database / "postmaster.pid").read_text().splitlines()
    except OSError:
        return ""
    if len(lines) < 8 or pid not in (None, int(lines[0])):
        return ""
    return lines[7].strip()


def start_and_wait(
    binaries: Path, database: Path, sockets: Path, settings: list[str]
) -> subprocess.Popen[bytes]:
    """Start the server, again while what a killed one left is not gone; wait until it is ready."""
    log = database / "server.log"
    deadline = time.monotonic() + LAST_ONE_OUT
    while True:
        log_from = log.stat().st_size if log.exists() else 0
        server = start(binaries, database, sockets, settings)
        try:
            wait_until_ready(server, database, log_from)
            return server
        except BaseException as error:
            stop(server)
            if STILL_IN_USE not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def wait_until_ready(server: subprocess.Popen[bytes], database: Path, log_from: int) -> None:
    # Recovery after a crash can take minutes; as long as the server lives, it is at work.
    while status(database, server.pid) != "ready":
        if server.poll() is not None:
            raise StartError(f"PostgreSQL did not start in {database}: {why(database, log_from)}")
        if select.select([sys.stdin], [], [], 0.02)[0]:
            return


def why(database: Path, log_from: int) -> str:
    """The last reason in the part of the server's log that this start has written."""
    with (database / "server.log").open("rb") as log:
        log.seek(log_from)
        text = log.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    grave = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    first = grave[0] if grave else (lines or ["it says nothing"])[-1]
    return first.rpartition("FATAL:")[2].strip()


def serve(server: subprocess.Popen[bytes]) -> bool:
    """Wait for the end of standard input, SIGTERM, or the server's end; True when others may use it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    terminated: list[int] = []
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: terminated.append(1))
    while server.poll() is None and not terminated:
        ready = select.select([sys.stdin, reading], [], [])[0]
        if reading in ready:
            os.read(reading, 64)
        elif sys.stdin in ready and not os.read(sys.stdin.fileno(), 64):
            return True
    return False


def stop(server: subprocess.Popen[bytes]) -> None:
    # Fast shutdown, then immediate, then by force; the next start recovers from either of the latter.
    for number, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        if server.poll() is None:
            server.send_signal(number)
        try:
            server.wait(timeout=seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def run(folder: Path, binaries: Path, settings: list[str]) -> None:
    lock = try_lock(folder / ".database.server")
    if lock is None:
        say("taken")
        return
    database = folder / "database"
    become_ordinary()
    make_database(binaries, database)
    sockets, made = socket_folder(database)
    try:
        server = start_and_wait(binaries, database, sockets, settings)
        try:
            say("ready")
            with (folder / ".database.users").open("a") as users:
                if serve(server):
                    try:
                        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        say("shared")
                        fcntl.flock(users, fcntl.LOCK_EX)
                stop(server)
                lock.close()
        finally:
            stop(server)
    finally:
        if made:
            shutil.rmtree(sockets, ignore_errors=True)
    say("stopped")


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.umask(0o077)
    try:
        run(Path(arguments[0]), Path(arguments[1]), arguments[2:])
    except StartError as error:
        say("failed", reason=str(error))
        return 1
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        say("failed", reason=f"{error.strerror}{place}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
