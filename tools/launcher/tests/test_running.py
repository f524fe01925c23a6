"""From a call to Bazel: its arguments, its exit code, and a real Bazel in a root that is entered for real."""

from __future__ import annotations

import os

import pytest
from machine import Machine

# A script that ends as ./bazelw does inside of the root, with what is said there about it.
INSIDE = """\
inside_marker=$HOME/marker
printf '%s=%q\n' state "$state" mounts_key 0123 user_id 0 group_id 0 >"$inside_marker"
source /dev/stdin <<<"$(declare -f exec_bazel | sed s,/usr/bin/bazel,bazel,)"
"""


def test_arguments_reach_bazel_after_the_launchers_own_startup_options(machine: Machine) -> None:
    machine.stand_in("bazel", 'printf "%s\\n" "$@"; exit 37')
    result = machine.parts(
        INSIDE + "exec_bazel --output_base='/a b' --batch build --config=x '//a:b c' -- -//d"
    )
    assert result.code == 37
    lines = result.out.splitlines()
    assert lines[-7:] == ["--output_base=/a b", "--batch", "build", "--config=x", "//a:b c", "--", "-//d"]
    assert f"--output_user_root={machine.state}/bazel" in lines
    assert "--nosystem_rc" in lines
    assert "--host_jvm_args=-Ddatakit.mounts=0123" in lines


def test_what_a_user_runs_is_not_the_namespaces_root(machine: Machine) -> None:
    """Bazel writes the command down, which then runs under the user's own id; nothing of it stays behind."""
    machine.stand_in(
        "bazel",
        "for a; do case $a in --bazelrc=*/run-*) rc=${a#*=} ;; esac; done; "
        'path=$(sed "s/.*=\\"//; s/\\"$//" "$rc"); echo "echo it ran; exit 9" >"$path"',
    )
    machine.stand_in("setpriv", 'shift 2; exec "$@"')
    machine.stand_in(
        "unshare", 'echo "$@" >~/unshared; while [[ $1 != -- ]]; do shift; done; shift; exec "$@"'
    )
    result = machine.parts("bazel=(bazel) user_id=1234 group_id=99; run_as_user run //:demo -- --x")
    assert (result.code, result.out, result.err) == (9, "it ran\n", "")
    assert "--map-user=1234 --map-group=99" in (machine.home / "unshared").read_text()
    assert list(machine.state.glob("run-*")) == []


def test_a_failed_build_runs_nothing_and_keeps_its_exit_code(machine: Machine) -> None:
    machine.stand_in("bazel", "exit 8")
    machine.stand_in("setpriv", 'shift 2; exec "$@"')
    machine.stand_in("unshare", "echo ran")
    result = machine.parts("bazel=(bazel); run_as_user run //:demo")
    assert (result.code, result.out) == (8, "")
    assert list(machine.state.glob("run-*")) == []


def test_what_killed_calls_left_is_cleared(machine: Machine) -> None:
    machine.stand_in("bazel", "exit 8")
    machine.stand_in("setpriv", 'shift 2; exec "$@"')
    mine = f"run-{os.getpid()}"
    machine.parts(f'mkdir "$state"/run-999999999 "$state"/{mine}; bazel=(bazel); run_as_user run //:demo')
    assert [path.name for path in machine.state.glob("run-*")] == [mine]


# A root that is this one: Bazel's tests run in it.
THIS_ROOT = """\
root=$(root_folder)
mkdir -p "$root"/{etc/apt/apt.conf.d,var,launcher}
cp -r --no-dereference /etc/. "$root/etc/" 2>/dev/null || true # but for what only root may read
ln -s /usr "$root/usr"
for name in bin lib lib64 sbin; do ln -s "usr/$name" "$root/$name"; done
echo "bazel-bootstrap 7.7.1" >"$root/launcher/packages"
echo "deb http://mirror.invalid/debian forky main" >"$root/etc/apt/sources.list"
seal_root "$root"
"""

# A workspace that needs nothing but Bazel itself.
WORKSPACE = {
    ".bazelrc": "common --noenable_workspace --lockfile_mode=off\n",
    "BUILD.bazel": 'load("look.bzl", "look")\nlook(name = "look", script = "look.sh")\n',
    "look.bzl": """\
def _look_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.file.script, is_executable = True)
    return [DefaultInfo(executable = program)]

look = rule(_look_impl, attrs = {"script": attr.label(allow_single_file = True)}, executable = True)
""",
}

# Which folders are the machine's own, who runs this, and whether a call from in here works.
LOOK = """\
#!/bin/bash
echo "id $(id -u)"
echo "home $(cat ~/mine)"
echo "tmp $(cat "$1")"
echo "environment ${MACHINE_SECRET:-none}"
cd "$BUILD_WORKSPACE_DIRECTORY"
echo "usr is $(touch /usr/x 2>/dev/null && echo writable || echo read-only)"
echo "nested $(./bazelw info workspace 2>/dev/null)"
./bazelw --launcher-status | head -n 1
exit 9
"""

# The root lacks the command, so its system call is made.
PIVOT_ROOT = """\
#!/usr/bin/python3
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(155, b".", b"."):
    raise SystemExit(os.strerror(ctypes.get_errno()))
"""

UNSHARE = """\
while [[ $1 != -- ]]; do shift; done
shift
exec /usr/bin/unshare --user --map-root-user --mount --propagation slave -- "$@"
"""


@pytest.fixture
def with_root(machine: Machine) -> Machine:
    """A machine whose root is there already, and which is entered for real, in namespaces of its own."""
    assert machine.parts(THIS_ROOT).code == 0
    path = machine.commands / "pivot_root"
    path.write_text(PIVOT_ROOT)
    machine.stand_in("unshare", UNSHARE)
    return machine


def test_a_program_runs_in_a_root_that_was_entered_for_real(with_root: Machine) -> None:
    for name, text in WORKSPACE.items():
        with_root.workspace.joinpath(name).write_text(text)
    look = with_root.workspace / "look.sh"
    look.write_text(LOOK)
    look.chmod(0o755)
    with_root.home.joinpath("mine").write_text("is mine")
    temporary = with_root.folder / "temporary"
    temporary.write_text("is the machine's")
    try:
        result = with_root.bazelw("run", "//:look", "--", str(temporary), MACHINE_SECRET="seen")
        assert result.code == 9, result.err
        assert result.out.splitlines() == [
            f"id {os.getuid()}",
            "home is mine",
            "tmp is the machine's",
            "environment none",
            "usr is read-only",
            f"nested {with_root.workspace}",
            "Bazel             7.7.1, this is already inside the Debian root",
        ]
        assert [path.name for path in with_root.state.glob("run-*")] == []
        assert with_root.bazelw("build", "//:no-such-target").code == 1
    finally:
        with_root.bazelw("shutdown")
