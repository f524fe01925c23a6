"""`datakit run` and `datakit deploy`, as somebody at a terminal sees them."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel_framework import DatakitError, Target
from sqlmodel_framework.cli.place import default_folder

if TYPE_CHECKING:
    from conftest import Shop


def progress(stderr: str) -> list[dict[str, Any]]:
    """The lines of progress; whatever else is there is no JSON."""
    return [json.loads(line) for line in stderr.splitlines()]


def told(stderr: str) -> str:
    """What standard error holds beside progress."""
    return "".join(line for line in stderr.splitlines(keepends=True) if not line.startswith('{"event": '))


def test_without_a_target_everything_happens_in_a_folder(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    shop.write("code,price\ntea,2.5\nmilk,-1\nsalt,0.4\n")
    done = shop.run("run", "shop_datakit", "--folder", str(folder))
    assert done.returncode == 0, done.stderr
    assert [line["event"] for line in progress(done.stderr)] == [
        "run started",
        "deployed",
        "load started",
        "load finished",
        "load started",
        "load finished",
        "checked",
        "run finished",
    ]
    for part in (
        "│bronze │ items │    3 │        3 │        0 │      3 │",
        "│silver │ items │    3 │        2 │        1 │      2 │",
        "In quarantine (datakit.quarantine), and why:\n  silver items: 1 price is not >= 0\n",
        "Checks: 1 of 1 good.",
        "5 rows loaded in ",
        f"Database: {folder / 'database'} (PostgreSQL)\n",
        f"Query it: datakit query 'SELECT * FROM shop.item LIMIT 5' --folder '{folder}'\n",
    ):
        assert part in done.stdout

    again = shop.run("run", "shop_datakit", "--folder", str(folder))
    assert again.returncode == 0
    assert "nothing new: 0 rows loaded" in again.stdout


def test_json_is_all_that_stdout_holds(shop: Shop, database: Target) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    for loaded in (3, 0):
        done = shop.run("run", "shop_datakit", "--target", url, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(line["table"], line["layer"], line["read"], line["loaded"]) for line in lines] == [
            ("items", "bronze", 3, loaded),
            ("items", "silver", 3, loaded),
        ]
        assert {"accepted", "rejected", "seconds", "rows_per_second", "kept", "reasons"} <= set(lines[0])


def test_progress_is_shown_as_it_is_asked_for(shop: Shop, database: Target) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    run = ("run", "shop_datakit", "--target", url)
    assert shop.run(*run, "--progress", "none").stderr == ""
    lines = progress(shop.run(*run, "--json", "--progress", "json").stderr)
    assert {"run_id", "datakit", "version", "fingerprint", "target", "parts", "timestamp"} <= set(lines[0])
    finished = next(line for line in lines if line["event"] == "load finished")
    assert [finished[name] for name in ("table", "layer", "read", "written")] == ["items", "bronze", 3, 0]
    assert "\x1b[" in shop.run(*run, "--progress", "rich", TERM="xterm").stderr
    shop.write("code,price\ngold,5000\n")
    failed = shop.run(*run)
    lines = [json.loads(line) for line in failed.stderr.splitlines() if line.startswith("{")]
    assert (lines[-1]["event"], lines[-1]["exit_code"]) == ("run failed", 65)
    assert shop.run(*run, "--progress", "loud").returncode == 64


def test_the_default_folder_is_in_the_data_home(shop: Shop, tmp_path: Path) -> None:
    done = shop.run("run", "shop_datakit", XDG_DATA_HOME=str(tmp_path / "data"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "datakit" / "shop" / "database" / "PG_VERSION").is_file()


def test_a_target_of_the_file_gives_way_to_the_environment_and_that_to_the_command_line(
    shop: Shop, database: Target
) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    (shop.folder / "datakit.toml").write_text(
        f'target = "nowhere"\n[targets.nowhere]\nurl = "postgresql://nowhere.invalid/x"\n'
        f'[targets.here]\nurl = "{url}"\n'
    )
    assert "target nowhere" in shop.run("deploy", "shop_datakit").stderr
    assert shop.run("deploy", "shop_datakit", DATAKIT_TARGET="here").returncode == 0
    assert (
        "target nowhere"
        in shop.run("deploy", "shop_datakit", "--target", "nowhere", DATAKIT_TARGET="here").stderr
    )


def test_deploying_says_what_it_created(shop: Shop, database: Target) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    first = shop.run("deploy", "shop_datakit", "--target", url)
    assert "create schema shop\n" in first.stdout
    assert "create table shop.item\n" in first.stdout
    second = shop.run("deploy", "shop_datakit", "--target", url)
    assert "nothing to do, 2 tables" in second.stdout
    third = json.loads(shop.run("deploy", "shop_datakit", "--target", url, "--json").stdout)
    assert (third["changed"], third["created_tables"]) == (False, [])


def complaint(shop: Shop, code: int, *arguments: str, **environment: str) -> str:
    done = shop.run(*arguments, **environment)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    lines = told(done.stderr).splitlines()
    assert len(lines) <= 2, done.stderr
    assert lines[0].startswith("error: ")
    assert "s3cret" not in done.stderr
    return told(done.stderr)


@pytest.mark.parametrize("command", ["run", "deploy"])
def test_bad_input_is_one_clear_line(shop: Shop, command: str) -> None:
    text = complaint(shop, 64, command, "no_such_datakit")
    assert "there is no datakit 'no_such_datakit'" in text

    (shop.folder / "empty_datakit.py").write_text(
        "from sqlmodel_framework import Datakit\ndatakit = Datakit(name='empty', version='1')"
    )
    assert "datakit 'empty' has no tables" in complaint(shop, 64, command, "empty_datakit")

    text = complaint(shop, 64, command, "shop_datakit", "--target", "postgresql://me:s3cret@h/d")
    assert "a password on the command line is not safe" in text
    assert "password_env" in text
    complaint(shop, 64, command, "shop_datakit", "--target", "postgresql://me:s3cret%@/ ü@h/d")

    assert "there is no target 'prod'" in complaint(shop, 64, command, "shop_datakit", "--target", "prod")


@pytest.mark.parametrize(
    ("window", "what"),
    [
        (("--from", "2024-01-01"), "a window has two ends"),
        (("--from", "2024-01-01", "--to", "soon"), "--to soon: that is no moment"),
        (("--from", "2024-01-02", "--to", "2024-01-01"), "the window ends at 2024-01-01, which is not after"),
    ],
)
def test_a_window_that_is_none_is_one_clear_line(shop: Shop, window: tuple[str, ...], what: str) -> None:
    assert what in complaint(shop, 64, "run", "shop_datakit", *window)


def test_an_unreachable_target_exits_with_69(shop: Shop) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"postgresql://me:s3cret@127.0.0.1:{free.getsockname()[1]}/d"
        text = complaint(shop, 69, "run", "shop_datakit", "--target", "far", DATAKIT_TARGETS__FAR__URL=url)
    assert "target far cannot be reached" in text


def test_a_broken_row_exits_with_65_and_names_its_line(shop: Shop, database: Target) -> None:
    shop.write("code,price\ntea,2.5\nmilk\n")
    url = database.secret_url().render_as_string(hide_password=False)
    text = complaint(shop, 65, "run", "shop_datakit", "--target", url)
    assert text.startswith("error: items.csv, line 3: it has fewer fields than the header\n")


def test_a_table_that_differs_exits_with_65_and_names_the_difference(shop: Shop, database: Target) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    assert shop.run("deploy", "shop_datakit", "--target", url).returncode == 0
    assert (
        shop.run("query", "ALTER TABLE shop.item ADD note text", "--write", "--target", url).returncode == 0
    )
    text = complaint(shop, 65, "run", "shop_datakit", "--target", url)
    assert "nothing was changed, refused: drop column shop.item.note (loses 0 values)" in text


def test_a_check_that_finds_something_exits_with_65_after_the_summary(shop: Shop, database: Target) -> None:
    shop.write("code,price\ntea,5000\n")
    url = database.secret_url().render_as_string(hide_password=False)
    done = shop.run("run", "shop_datakit", "--target", url)
    assert done.returncode == 65
    assert "Checks: 0 of 1 good.\n  prices: 1 (nothing costs that much)" in done.stdout
    assert told(done.stderr) == "error: datakit 'shop': check 'prices' found 1 (nothing costs that much)\n"


def test_a_folder_without_a_home_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_s() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobody_s)
    with pytest.raises(DatakitError, match="no home folder") as caught:
        default_folder("shop")
    assert caught.value.exit_code == 64
    assert caught.value.hint == "give --folder DIR"
