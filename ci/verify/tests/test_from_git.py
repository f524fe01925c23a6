"""pip and uv build from a git repository what the build's wheel holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from clean_environment import Environment

# uv resolves for every platform and Python version at once; the wheelhouse holds this one's wheels.
THIS_PLATFORM = """
[tool.uv]
environments = ["sys_platform == 'linux' and python_version == '3.11'"]
"""

# Written by installers, not by the build.
INSTALLERS_OWN = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_build.json", "uv_cache.json"}


def installed_files(environment: Environment) -> dict[str, bytes]:
    """Every installed file of the framework with its content, less what names builder and installer."""
    info = environment.installed("sqlmodel_framework")
    files = {}
    for folder in (info, info.parent / "sqlmodel_framework"):
        for file in sorted(folder.rglob("*")):
            if not file.is_file() or "__pycache__" in file.parts or file.name in INSTALLERS_OWN:
                continue
            content = file.read_bytes()
            if file.name == "WHEEL":
                content = b"\n".join(
                    line for line in content.splitlines() if not line.startswith(b"Generator:")
                )
            files[str(file.relative_to(info.parent))] = content
    return files


@pytest.fixture
def from_the_wheel(tmp_path_factory: pytest.TempPathFactory, wheelhouse: Path) -> dict[str, bytes]:
    environment = Environment(tmp_path_factory.mktemp("from-the-wheel"), wheelhouse)
    environment.pip("install", "-q", "sqlmodel-framework")
    return installed_files(environment)


def test_pip_gives_the_same_files(
    environment: Environment, git_repository: Path, from_the_wheel: dict[str, bytes]
) -> None:
    environment.pip(
        "install", "-q", f"sqlmodel-framework @ git+file://{git_repository}#subdirectory=framework"
    )
    assert installed_files(environment) == from_the_wheel


def uv_variables(environment: Environment, wheelhouse: Path) -> dict[str, str]:
    settings = environment.folder / "uv.toml"
    settings.write_text(f'no-index = true\nfind-links = ["{wheelhouse}"]\n')
    return {
        "UV_CONFIG_FILE": str(settings),
        "UV_PYTHON": str(environment.python.resolve()),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": str(environment.folder / "uv-cache"),
    }


def test_uv_gives_the_same_files(
    environment: Environment,
    git_repository: Path,
    wheelhouse: Path,
    uv: Path,
    from_the_wheel: dict[str, bytes],
) -> None:
    project = environment.folder / "project"
    variables = uv_variables(environment, wheelhouse) | {
        "UV_PROJECT_ENVIRONMENT": str(environment.folder / "venv")
    }
    environment.run(uv, "init", "-q", "--bare", "--vcs=none", project, variables=variables)
    with (project / "pyproject.toml").open("a") as file:
        file.write(THIS_PLATFORM)
    address = f"sqlmodel-framework @ git+file://{git_repository}#subdirectory=framework"
    environment.run(uv, "add", "-q", address, cwd=project, variables=variables)
    assert installed_files(environment) == from_the_wheel


def test_uv_runs_the_framework_s_tests(
    environment: Environment, git_repository: Path, wheelhouse: Path, uv: Path
) -> None:
    variables = uv_variables(environment, wheelhouse)
    command = (uv, "run", "-q", "pytest", "-q", "-p", "no:cacheprovider", "tests/targets/test_url.py")
    clone = environment.folder / "clone"
    shutil.copytree(git_repository, clone)
    with (clone / "framework/pyproject.toml").open("a") as file:
        file.write(THIS_PLATFORM)
    assert "passed" in environment.run(*command, cwd=clone / "framework", variables=variables)
