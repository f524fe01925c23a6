#!/opt/datakit/bin/python
"""Starts Spark's programs as its scripts spark-class and spark-submit do, in an image that has no shell.

The same file serves under both names. Spark's launcher says what command to run; this program becomes it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUBMIT = "org.apache.spark.deploy.SparkSubmit"


def parse(output: bytes) -> tuple[list[str], dict[str, str], list[str]]:
    """Reads what Spark's launcher prints: lines for people, a line of one NUL, arguments that end in NUL.

    Returns:
        The lines, the variables to set, and the command.
    """
    said, marked, rest = output.partition(b"\0\n")
    command = [part.decode() for part in rest.split(b"\0")[:-1]] if marked else []
    variables = {}
    # As a shell would read it: `env NAME=VALUE... PROGRAM ARGUMENTS...`.
    if command[:1] == ["env"]:
        command.pop(0)
        while command and "=" in command[0] and not command[0].startswith("-"):
            name, _, value = command.pop(0).partition("=")
            variables[name] = value
    return said.decode().splitlines(), variables, command


def launcher(home: Path, arguments: list[str]) -> list[str]:
    """The command that asks Spark's launcher."""
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else Path("java")
    options = os.environ.get("SPARK_LAUNCHER_OPTS", "").split()
    main = "org.apache.spark.launcher.Main"
    return [str(java), "-Xmx128m", *options, "-cp", f"{home}/jars/*", main, *arguments]


def scala_version(home: Path) -> str:
    """The version of Scala, such as `2.13`, that Spark's jars are for; its launcher asks for it."""
    jar = next(iter(sorted((home / "jars").glob("scala-library-*.jar"))), None)
    if jar is None:
        sys.exit(f"{home}/jars: holds no scala-library, so no Spark; is SPARK_HOME right?")
    return ".".join(jar.name.removeprefix("scala-library-").split(".")[:2])


def main() -> None:
    """Asks for the command, then becomes it."""
    called, arguments = Path(sys.argv[0]), sys.argv[1:]
    home = Path(os.environ.setdefault("SPARK_HOME", str(called.resolve().parent.parent)))
    os.environ.setdefault("SPARK_SCALA_VERSION", scala_version(home))
    if called.name == "spark-submit":
        arguments = [SUBMIT, *arguments]
    asked = subprocess.run(launcher(home, arguments), stdout=subprocess.PIPE)
    said, variables, command = parse(asked.stdout)
    for line in said:
        print(line, file=sys.stderr)  # noqa: T201
    if asked.returncode or not command:
        sys.exit(asked.returncode or 1)
    os.execvpe(command[0], command, {**os.environ, **variables})  # noqa: S606


if __name__ == "__main__":
    main()
