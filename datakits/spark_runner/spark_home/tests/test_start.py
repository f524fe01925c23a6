"""What Spark's launcher prints is read as Spark's own script reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from spark_home import start


def jars(home: Path) -> Path:
    """A SPARK_HOME with the one jar that is looked for."""
    (home / "jars").mkdir(parents=True, exist_ok=True)
    (home / "jars/scala-library-2.13.17.jar").touch()
    return home


def test_the_version_of_scala_is_that_of_the_jars(tmp_path: Path) -> None:
    assert start.scala_version(jars(tmp_path)) == "2.13"


def test_a_folder_without_spark_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no scala-library"):
        start.scala_version(tmp_path)


def test_a_command_with_and_without_variables() -> None:
    assert start.parse(b"\0\njava\0-cp\0a b\0") == ([], {}, ["java", "-cp", "a b"])
    printed = b"a warning\n\0\nenv\0A=1\0B=x=y\0java\0-Dc=d\0"
    assert start.parse(printed) == (["a warning"], {"A": "1", "B": "x=y"}, ["java", "-Dc=d"])


def test_nothing_to_run_is_no_command() -> None:
    assert start.parse(b"Error: no such class\n") == (["Error: no such class"], {}, [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("spark-class", ["some.Class", "x"]), ("spark-submit", [start.SUBMIT, "some.Class", "x"])],
)
def test_it_becomes_what_the_launcher_says(tmp_path: Path, name: str, expected: list[str]) -> None:
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    # Stands for Java: prints a command that prints how it was called, and what it was given.
    java.write_text(
        f"#!{os.path.realpath(sys.executable)}\n"
        "import sys\n"
        "code = 'import os, sys; print(os.environ[\"GIVEN\"], sys.argv[1:])'\n"
        "sys.stdout.write('note\\n\\0\\n' + '\\0'.join("
        "['env', 'GIVEN=yes', sys.executable, '-c', code, *sys.argv[5:]]) + '\\0')\n"
    )
    java.chmod(0o755)
    program = tmp_path / "spark" / "bin" / name
    program.parent.mkdir(parents=True)
    program.symlink_to(Path(start.__file__).resolve())
    jars(tmp_path / "spark")
    done = subprocess.run(
        [sys.executable, program, "some.Class", "x"],
        env={"JAVA_HOME": str(tmp_path / "java"), "SPARK_HOME": str(tmp_path / "spark")},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"yes {expected}\n", done.stderr
    assert done.stderr == "note\n"


def test_the_launchers_failure_is_its_own(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(
        f"#!{os.path.realpath(sys.executable)}\nimport sys\nprint('no such class')\nsys.exit(3)\n"
    )
    java.chmod(0o755)
    done = subprocess.run(
        [sys.executable, start.__file__, "x"],
        env={"JAVA_HOME": str(tmp_path), "SPARK_HOME": str(jars(tmp_path / "spark"))},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "no such class\n")
