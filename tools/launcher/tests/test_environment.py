"""What the root takes from the machine, and what stays outside."""

from __future__ import annotations

import pytest
from machine import Machine

PLAN = 'root=$state/root-x; mkdir -p "$root"/usr; ln -sfn usr/bin "$root"/bin; plan_mounts; '


def planned(machine: Machine, **environment: str) -> list[str]:
    return machine.parts(
        PLAN + 'plan_environment; printf "%s\\n" "${environment[@]}"', **environment
    ).out.splitlines()


def test_most_of_the_environment_stays_outside(machine: Machine) -> None:
    lines = planned(
        machine,
        PYTHONPATH="/x",
        PIP_TARGET="/x",
        LD_PRELOAD="",
        JAVA_HOME="/x",
        AWS_SECRET_ACCESS_KEY="x",
        MSSQL_URL="mssql://db",
        DATAKIT_TARGET="a target",
        HTTPS_PROXY="http://proxy:1",
        no_proxy="localhost",
        TERM="dumb",
    )
    names = {line.split("=", 1)[0] for line in lines}
    assert "DATAKIT_TARGET=a target" in lines
    assert {"MSSQL_URL", "HTTPS_PROXY", "no_proxy", "TERM", "HOME", "TZ", "PIP_CONFIG_FILE"} <= names
    assert not names & {"PYTHONPATH", "PIP_TARGET", "LD_PRELOAD", "JAVA_HOME", "AWS_SECRET_ACCESS_KEY"}
    assert "PATH=/usr/sbin:/usr/bin:/sbin:/bin" in lines
    assert f"HOME={machine.home}" in lines


def test_certificates_that_are_not_seen_inside_become_the_roots(machine: Machine) -> None:
    mine = machine.home / "my certificates.pem"
    mine.write_text("x")
    lines = planned(machine, SSL_CERT_FILE=str(mine), CURL_CA_BUNDLE="/etc/passwd", GIT_SSL_CAINFO="/nowhere")
    assert f"SSL_CERT_FILE={mine}" in lines
    assert "CURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt" in lines
    assert not any(line.startswith("GIT_SSL_CAINFO") for line in lines)


def test_pips_settings_say_where_packages_are_and_nothing_else(machine: Machine) -> None:
    folder = machine.home / ".config" / "pip"
    folder.mkdir(parents=True)
    folder.joinpath("pip.conf").write_text(
        "[global]\nindex-url = https://me:secret@index.invalid/simple\nuser = true\n"
        "require-virtualenv = true\ntrusted-host =\n    one\n    two\n"
        "[install]\nfind_links = /wheels\ntarget = /x\n"
    )
    result = machine.parts(
        'write_pip_conf; stat -c %a "$state/pip.conf"; cat "$state/pip.conf"',
        PIP_PROXY="http://proxy:1",
        PIP_USER="1",
    )
    assert result.out.startswith("600\n")
    lines = result.out.splitlines()
    assert "index-url = https://me:secret@index.invalid/simple" in lines
    assert "proxy = http://proxy:1" in lines
    assert "find-links = /wheels" in lines
    assert lines[lines.index("trusted-host = ") + 1 :][:2] == ["    one", "    two"]
    assert not any(word in result.out for word in ("user", "virtualenv", "target"))


def test_a_variable_goes_over_a_file_and_dev_null_means_no_file(machine: Machine) -> None:
    folder = machine.home / ".config" / "pip"
    folder.mkdir(parents=True)
    folder.joinpath("pip.conf").write_text("[install]\nindex-url = https://file.invalid\nretries: 7\n")
    show = 'write_pip_conf; cat "$state/pip.conf"'
    over = machine.parts(show, PIP_INDEX_URL="https://variable.invalid").out
    assert "file.invalid" not in over
    assert "index-url = https://variable.invalid" in over
    assert "retries = 7" in over
    assert "retries" not in machine.parts(show, PIP_CONFIG_FILE="/dev/null").out


def test_settings_are_rewritten_only_when_they_change(machine: Machine) -> None:
    result = machine.parts(
        'file=$state/f; printf "a\\n\\n" | write_if_changed "$file"; first=$(stat -c %i "$file"); '
        'printf "a\\n\\n" | write_if_changed "$file"; [[ $(stat -c %i "$file") == "$first" ]]; '
        'printf "a\\n" | write_if_changed "$file"; [[ $(stat -c %i "$file") != "$first" ]]; od -c "$file"; '
        'ls "$state"'
    )
    assert result.code == 0
    assert "a  \\n" in result.out
    assert result.out.endswith("f\n")


def test_caches_are_in_the_users_cache_folder(machine: Machine) -> None:
    cache = machine.folder / "a cache"
    result = machine.parts('write_caches_bazelrc; cat "$state/caches.bazelrc"', XDG_CACHE_HOME=str(cache))
    assert f'common "--repository_cache={cache}/datakit-platform/repository"' in result.out
    assert f'common "--disk_cache={cache}/datakit-platform/disk"' in result.out


def test_a_relative_cache_folder_does_not_count(machine: Machine) -> None:
    assert machine.parts('printf "%s" "$state"', XDG_CACHE_HOME="cache").out == str(machine.state)


def test_no_home_is_one_line(machine: Machine) -> None:
    result = machine.bazelw("build", HOME="")
    assert (result.code, len(result.said)) == (64, 1)
    assert "XDG_CACHE_HOME" in result.said[0]


def test_what_a_user_keeps_is_seen_at_its_own_place_and_the_system_is_the_roots(machine: Machine) -> None:
    result = machine.parts(
        PLAN + 'for i in "${!mount_to[@]}"; do echo "${mount_how[i]} ${mount_from[i]} ${mount_to[i]}"; done; '
        'for path in /tmp /var/tmp "$HOME" "$workspace" "$state" /usr/bin /etc/passwd /run; do '
        'is_visible "$path" && echo "seen $path" || echo "not seen $path"; done'
    )
    lines = result.out.splitlines()
    root = f"{machine.state}/root-x"
    assert f"read-only {root}/usr /usr" in lines
    assert f"writable {root}/etc /etc" in lines
    assert "writable /proc /proc" in lines
    for path in ("/tmp", "/var/tmp", machine.home, machine.workspace, machine.state):
        assert f"seen {path}" in lines
    for path in ("/usr/bin", "/etc/passwd", "/run"):
        assert f"not seen {path}" in lines


def test_a_workspace_among_the_systems_files_is_refused(machine: Machine) -> None:
    result = machine.parts(PLAN + "plan_if_hidden /usr/lib/python3")
    assert (result.code, len(result.said)) == (64, 1)
    assert machine.parts(PLAN + 'plan_if_hidden /usr/src/ws; printf "%s" "${mount_to[-1]}"').out == "/usr/src"


def test_other_mounts_make_another_key(machine: Machine) -> None:
    keys = machine.parts(
        PLAN + "mounts_key; echo; plan writable /x /x; mounts_key; echo; mounts_key"
    ).out.split()
    assert keys[0] != keys[1]
    assert keys[1] == keys[2]


SOURCES = """\
Types: deb
URIs: https://mirror.invalid/debian-security/debian
Suites: bookworm-security

Types: deb
URIs: https://mirror.invalid/debian
Suites: bookworm
"""


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        ("sources.list", "deb http://a.invalid/debian bookworm main\n", "http://a.invalid/debian"),
        (
            "sources.list",
            "# deb http://no.invalid/debian x\n"
            "deb [signed-by=/k arch=amd64] http://a.invalid/debian/ bookworm main\n",
            "http://a.invalid/debian/",
        ),
        ("sources.list.d/debian.sources", SOURCES, "https://mirror.invalid/debian"),
        ("sources.list", "deb http://a.invalid/ubuntu noble main\n", ""),
    ],
)
def test_the_mirror_is_the_one_that_apt_uses(machine: Machine, name: str, text: str, mirror: str) -> None:
    path = machine.folder / "etc" / name
    path.parent.mkdir(parents=True)
    path.parent.joinpath("sources.list.d").mkdir(exist_ok=True)
    path.write_text(text)
    assert machine.parts(f'mirror_in_sources "{machine.folder}/etc" || true').out.strip() == mirror


def test_a_machine_whose_apt_knows_no_mirror_is_one_line(machine: Machine) -> None:
    machine.stand_in("apt-get", "exit 1")
    result = machine.parts("mirror_in_sources() { return 1; }; debian_mirror", DATAKIT_DEBIAN_MIRROR="")
    assert (result.code, len(result.said)) == (69, 1)
    assert "DATAKIT_DEBIAN_MIRROR" in result.said[0]


def test_how_apt_reaches_its_mirror_is_followed_and_the_rest_is_not(machine: Machine) -> None:
    machine.stand_in(
        "apt-config",
        "echo 'Acquire::http::Proxy \"http://proxy:1\";'; echo 'Acquire::https::Proxy \"\";'; "
        "echo 'Acquire::https::CaInfo \"/x.pem\";'; echo 'APT::Install-Recommends \"false\";'; "
        "echo 'DPkg::Post-Invoke:: \"rm -rf /x\";'",
    )
    assert machine.parts("apt_settings").out.splitlines() == [
        'Acquire::http::Proxy "http://proxy:1";',
        'Acquire::https::CaInfo "/x.pem";',
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("7.7.1", "7.7.0", True), ("7.7.1", "7.8.1", False), ("7.7.1+ds", "7.7.1", True), ("", "7.7.1", False)],
)
def test_debian_decides_on_the_patch_of_a_release(machine: Machine, one: str, other: str, same: bool) -> None:
    assert machine.parts(f'same_release "{one}" "{other}"').code == (0 if same else 1)
