"""The first use: it works, or it says in one line why not; and whatever ends it, the next one works."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import MMDEBSTRAP, Machine, processes_that_name

# Says where it is, and stays there.
SLOW = 'mkdir -p "${@:(-2):1}"; echo $$ >"$TMPDIR/started"; for _ in {1..1000}; do sleep 0.1; done'

# What apt-get says when the mirror's name is not known.
NO_NETWORK = """\
echo "I: running apt-get update..."
echo "Err:1 http://mirror.invalid/debian forky InRelease"
echo "  Temporary failure resolving 'mirror.invalid'"
echo "E: Failed to fetch http://mirror.invalid/debian/dists/forky/InRelease  Temporary failure resolving"
echo "E: mmdebstrap failed to run"
exit 1
"""


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def test_the_first_call_makes_a_whole_root_and_later_ones_use_it(machine: Machine) -> None:
    first = machine.parts('ensure_root; root_is_whole "$root" && printf "%s" "$root"')
    assert (first.code, len(machine.roots())) == (0, 1)
    title, *stages, ready = first.said
    assert title.startswith("making a Debian forky root with Bazel 7.7.1 in ")
    assert [stage.split(" s  ")[1] for stage in stages] == [
        "fetching 2 packages",
        "unpacking the base system",
    ]
    assert re.fullmatch(r"the Debian root is ready after \d+ s: bazel-bootstrap 7.7.1", ready)
    assert machine.roots() == [Path(first.out).name]
    machine.stand_in("mmdebstrap", "exit 1")
    second = machine.parts("ensure_root")
    assert (second.code, second.err) == (0, "")


def test_no_network_is_one_line_that_says_what_is_missing(machine: Machine) -> None:
    machine.stand_in("mmdebstrap", NO_NETWORK)
    result = machine.bazelw("build", "//...")
    assert (result.code, result.out) == (69, "")
    assert len(result.said) == 1
    assert re.search(
        r"no network .* could not get Debian forky's packages \(bazel-bootstrap and", result.said[0]
    )
    assert machine.roots() == []


def test_a_full_disk_is_one_line(machine: Machine) -> None:
    machine.stand_in("mmdebstrap", 'mkdir "${@:(-2):1}"; echo "dpkg: error: No space left on device"; exit 1')
    result = machine.bazelw("build", "//...")
    assert result.code == 73
    assert [line for line in result.said if "no space left" in line] == result.said
    assert machine.roots() == []


def test_too_little_space_is_one_line_before_anything_is_fetched(machine: Machine) -> None:
    machine.stand_in("df", "printf ' Avail\\n   800\\n'")
    machine.stand_in("mmdebstrap", "touch ~/fetched")
    result = machine.bazelw("build", "//...")
    assert result.code == 73
    assert len(result.said) == 1
    assert "800 MB free" in result.said[0]
    assert not (machine.home / "fetched").exists()


def test_a_folder_that_cannot_be_written_is_one_line(machine: Machine) -> None:
    result = machine.bazelw("build", "//...", XDG_CACHE_HOME="/proc")
    assert result.code == 73
    assert result.said == [
        "cannot write /proc/datakit-platform: set XDG_CACHE_HOME to a folder that can be written"
    ]


def test_another_release_is_tried_and_named(machine: Machine) -> None:
    machine.stand_in(
        "mmdebstrap",
        'if [[ ${@:(-3):1} == forky ]]; then echo "E: Unable to locate package x"; exit 1; fi\n' + MMDEBSTRAP,
    )
    result = machine.parts('ensure_root; cat "$root/etc/apt/sources.list"')
    assert result.code == 0
    assert "Debian forky did not work (E: Unable to locate package x): trying sid" in result.said
    assert " sid main" in result.out


def test_no_release_works(machine: Machine) -> None:
    machine.stand_in("mmdebstrap", 'echo "E: Unable to locate package x"; exit 1')
    result = machine.bazelw("build")
    assert result.code == 69
    assert result.said[-1].startswith(
        "could not make a Debian root (forky sid): E: Unable to locate package x"
    )
    assert machine.roots() == []


def test_a_release_with_another_bazel_is_not_used(machine: Machine) -> None:
    machine.stand_in("mmdebstrap", MMDEBSTRAP.replace("7.7.1+stand-in", "8.4.0"))
    result = machine.bazelw("build")
    assert result.code == 69
    assert "it has Bazel 8.4.0, the workspace asks for 7.7.1" in result.said[-1]
    assert machine.roots() == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_call_leaves_nothing(machine: Machine, number: signal.Signals, code: int) -> None:
    machine.stand_in("mmdebstrap", SLOW)
    call = machine.start_bazelw("build")
    until(lambda: any(machine.state.glob("root-*.partial/tmp/started")))
    os.killpg(call.pid, number)
    result = machine.wait(call)
    assert (result.code, result.said) == (code, ["interrupted; the next call starts the Debian root anew"])
    assert machine.roots() == []
    until(lambda: processes_that_name(str(machine.state)) == [])


def test_after_a_killed_call_the_next_one_starts_anew(machine: Machine) -> None:
    machine.stand_in("mmdebstrap", SLOW)
    call = machine.start_bazelw("build")
    until(lambda: any(machine.state.glob("root-*.partial/tmp/started")))
    os.killpg(call.pid, signal.SIGKILL)
    machine.wait(call)
    # mmdebstrap's own session was not killed with the call, but ends with it
    until(lambda: processes_that_name(str(machine.state)) == [])
    machine.stand_in("mmdebstrap", MMDEBSTRAP)
    assert machine.parts("ensure_root").code == 0
    assert [name for name in machine.roots() if name.endswith(".partial")] == []


def test_concurrent_first_calls_make_one_root(machine: Machine) -> None:
    # The root is not there before both others wait for it.
    machine.stand_in("flock", '[[ $1 == --nonblock ]] || echo waits >>~/waiting; exec /usr/bin/flock "$@"')
    both_wait = "for _ in {1..600}; do [[ $(grep -cs waits ~/waiting) == 2 ]] && break; sleep 0.1; done\n"
    machine.stand_in("mmdebstrap", f"echo once >>~/made; {both_wait}{MMDEBSTRAP}")
    whole = 'ensure_root; root_is_whole "$root"'
    calls = [machine.start_parts(whole) for _ in range(3)]
    results = [machine.wait(call) for call in calls]
    assert [result.code for result in results] == [0, 0, 0]
    assert (machine.home / "made").read_text() == "once\n"
    waiting = [line for result in results for line in result.said if "waiting for it" in line]
    assert len(waiting) == 2


@pytest.mark.parametrize(
    "damage",
    [
        "rm usr/bin/bazel",
        "echo more >>usr/bin/bazel",
        "touch usr/lib/something-new",
        "rm -r usr/share",
        "rm launcher/seal",
        "rm launcher/packages",
        ": >launcher/seal",
        "rm -r usr etc launcher",
    ],
)
def test_a_broken_root_is_noticed_and_made_again(machine: Machine, damage: str) -> None:
    machine.parts("ensure_root")
    result = machine.parts(f'(cd "$(root_folder)" && {damage}); ensure_root; root_is_whole "$root"')
    assert result.code == 0
    assert "is broken" in result.said[0]
    # what may still run in the broken one is left alone; the next call removes it when nothing does
    assert len(machine.roots()) == 2
    assert machine.parts("remove_old_roots").code == 0
    assert len(machine.roots()) == 1


def test_a_root_of_another_recipe_stays_until_nobody_has_used_it_for_a_week(machine: Machine) -> None:
    machine.parts("ensure_root")
    [name] = machine.roots()
    other = machine.state / "root-0123456789ab"
    machine.state.joinpath(name).rename(other)
    machine.parts("remove_old_roots")
    assert machine.roots() == [other.name]
    os.utime(other / "launcher" / "used", (0, 0))
    machine.parts("remove_old_roots")
    assert machine.roots() == []


def test_a_mirror_with_a_password_shows_on_no_command_line(machine: Machine) -> None:
    machine.stand_in("mmdebstrap", 'printf "%s\\n" "$@" >~/arguments\n' + MMDEBSTRAP)
    result = machine.parts(
        'ensure_root; cat "$root/etc/apt/sources.list"',
        DATAKIT_DEBIAN_MIRROR="https://me:secret@mirror.invalid/debian/",
    )
    assert "https://me:secret@mirror.invalid/debian forky main" in result.out
    assert "secret" not in result.err
    assert "secret" not in (machine.home / "arguments").read_text()
