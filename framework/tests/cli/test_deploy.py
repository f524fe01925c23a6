"""`datakit deploy` on several targets, as somebody at a terminal sees it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.testing.plugin import fresh_database

if TYPE_CHECKING:
    from conftest import Ask, Shop


@pytest.fixture
def other(datakit_server: Target) -> Iterator[Target]:
    with fresh_database(datakit_server) as target:
        yield target


@pytest.fixture(autouse=True)
def named(shop: Shop, database: Target, other: Target) -> None:
    """Two databases, one that is not there, one whose password is not, and groups of them."""
    urls = {"one": database.url, "two": other.url, "away": "postgresql://127.0.0.1:1/d"}
    lines = [f'[targets.{name}]\nurl = "{url}"\n' for name, url in urls.items()]
    lines += ['[targets.keyless]\nurl = "postgresql://me@h/d"\npassword_env = "NOT_SET_ANYWHERE"\n']
    lines += ['[groups]\nboth = ["one", "two"]\nsome = ["one", "away", "two"]\nmost = ["some", "keyless"]\n']
    (shop.folder / "datakit.toml").write_text("".join(lines).replace('["some", ', '["one", "away", "two", '))


def test_several_targets_are_deployed_to_each_for_itself(shop: Shop) -> None:
    done = shop.run("deploy", "shop_datakit", "--target", "one", "--target", "two")
    assert (done.returncode, done.stderr) == (0, "")
    assert "shop 1.0 in one: 5 changes, 2 tables" in done.stdout
    assert "shop 1.0 in two: 5 changes, 2 tables" in done.stdout
    again = shop.run("deploy", "shop_datakit", "--target", "both", "--target", "one")
    assert again.stdout.count("nothing to do, 2 tables") == 2


def test_a_group_is_deployed_to_and_a_failure_stops_no_other(shop: Shop, other: Target, ask: Ask) -> None:
    done = shop.run("deploy", "shop_datakit", "--target", "some")
    assert done.returncode == 69
    assert "away: failed: target away cannot be reached: nobody listens on port 1 of 127.0.0.1" in done.stdout
    assert "in one: 5 changes" in done.stdout
    assert "in two: 5 changes" in done.stdout
    assert done.stderr.startswith("error: 1 of 3 targets failed: away\nhint: away: ")
    assert ask(other, "SELECT count(*) FROM shop.item") == [(0,)]


def test_json_is_one_object_a_target_and_the_exit_code_follows_from_the_failures(shop: Shop) -> None:
    done = shop.run("deploy", "shop_datakit", "--target", "most", "--json")
    found = {line["target"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert sorted(found) == ["away", "keyless", "one", "two"]
    assert [found[name].get("changed") for name in sorted(found)] == [None, None, True, True]
    assert (found["away"]["exit_code"], found["keyless"]["exit_code"]) == (69, 64)
    assert "NOT_SET_ANYWHERE" in found["keyless"]["error"]
    assert found["away"]["datakit"] == "shop"
    # Trying again would not mend the one without a password.
    assert done.returncode == 64
    assert "2 of 4 targets failed: away, keyless" in done.stderr


def test_one_target_that_fails_is_told_once(shop: Shop) -> None:
    done = shop.run("deploy", "shop_datakit", "--target", "away")
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr.startswith("error: target away cannot be reached: ")


def test_the_default_target_may_be_a_group_for_a_deployment_and_for_nothing_else(shop: Shop) -> None:
    done = shop.run("deploy", "shop_datakit", DATAKIT_TARGET="both")
    assert (done.returncode, done.stdout.count("5 changes, 2 tables")) == (0, 2)
    run = shop.run("run", "shop_datakit", DATAKIT_TARGET="both")
    assert (run.returncode, run.stderr) == (
        64,
        "error: 'both' is a group of targets, and one target is asked for\nhint: name one of one, two\n",
    )


def test_a_password_in_one_of_several_targets_is_refused(shop: Shop) -> None:
    done = shop.run("deploy", "shop_datakit", "--target", "one", "--target", "postgresql://me:hush@h/d")
    assert done.returncode == 64
    assert "hush" not in done.stdout + done.stderr


def test_sigterm_while_targets_wait_leaves_nothing_half_done(
    shop: Shop, database: Target, other: Target, ask: Ask
) -> None:
    # Those that hold the locks, and those that ask for them again and again.
    there = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'datakit' AND datname IN (:one, :two) AND query LIKE '%advisory%'"
    )
    names = {"one": database.url.database, "two": other.url.database}
    one, two = PostgresEngine(database), PostgresEngine(other)
    with one.connect(), one.locked("deploy"), two.connect(), two.locked("deploy"):
        process = shop.start("deploy", "shop_datakit", "--target", "both")
        deadline = time.monotonic() + 60
        while ask(database, there, **names) < [(1,)]:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "")
    assert err.startswith("error: stopped by SIGTERM\n")
    for target in (database, other):
        assert ask(target, "SELECT to_regclass('shop.item')") == [(None,)]
