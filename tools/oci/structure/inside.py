"""inside.py ROOT UID PROGRAM ARGUMENTS...: a program with ROOT as its whole file system, as the user UID.

No container engine is needed: a user namespace lets anybody change his root.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def enter(root: str, uid: int) -> None:
    """Makes ROOT the file system of this process, which is then the user UID without a network."""
    outer_uid, outer_gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "this machine lets nobody make a user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{uid} {outer_gid} 1")
    os.chroot(root)
    os.chdir("/")


if __name__ == "__main__":
    enter(sys.argv[1], int(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606
