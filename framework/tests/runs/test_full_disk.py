"""A disk that becomes full: a clean message, an exit code that asks for a retry, and nothing half done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Shop

ROWS = 300_000

# Runs `datakit` twice on a small disk of its own, the second time with more room; prints what came out.
# The disk is a tmpfs in a mount namespace, so nobody else sees it. Where no namespace is to be had, no
# file of the server may become larger than a limit, which fails in the same places.
SCRIPT = """
import ctypes, json, os, resource, subprocess, sys
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
folder, way = sys.argv[1], sys.argv[2]

def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def mount(size, flags):
    check(libc.mount(b"disk", os.fsencode(folder), b"tmpfs", flags, f"size={size}m,mode=700".encode()))

def own_disk():
    uid, gid = os.geteuid(), os.getegid()
    check(libc.unshare(0x10000000 | 0x00020000))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    check(libc.mount(None, b"/", None, 0x4000 | 0x40000, None))
    mount(80, 0)

def limit(megabytes):
    size = megabytes << 20 if megabytes else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

if way == "disk":
    try:
        own_disk()
    except OSError as error:
        print(json.dumps({"refused": error.strerror}))
        sys.exit()
else:
    limit(20)

def run(*arguments):
    command = [sys.executable, "-m", "sqlmodel_framework.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}

first = run("run", "shop_datakit", "--folder", folder, "--progress", "none")
if way == "disk":
    mount(1000, 0x20)
else:
    limit(0)
second = run("run", "shop_datakit", "--folder", folder, "--json")
third = run("query", "SELECT count(*) AS n FROM shop_bronze.raw_item", "--folder", folder, "--json")
print(json.dumps({"first": first, "second": second, "third": third}))
"""


@pytest.mark.parametrize("way", ["disk", "limit"])
def test_a_full_disk_is_worth_a_retry_and_with_room_the_next_run_finishes(
    shop: Shop, tmp_path: Path, way: str
) -> None:
    shop.write("code,price\n" + "".join(f"{number % 99999},1\n" for number in range(ROWS)))
    folder = tmp_path / "disk"
    folder.mkdir()
    done = shop.run(str(folder), way, script=SCRIPT)
    result = json.loads(done.stdout or "{}")
    if "refused" in result:
        # The other way is always there.
        assert way == "disk"
        return
    first, second, third = result["first"], result["second"], result["third"]
    assert first["code"] == 69, first
    assert first["out"] == ""
    assert len(first["err"].splitlines()) <= 2
    if way == "disk":
        assert first["err"].startswith(
            f"error: target PostgreSQL in {folder}: its disk is full\nhint: make room"
        )
    assert second["code"] == 0, second
    assert [json.loads(line)["read"] for line in second["out"].splitlines()] == [ROWS, ROWS]
    assert json.loads(third["out"]) == {"n": ROWS}
