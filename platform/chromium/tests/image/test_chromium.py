"""The image as a container: nobody, without capabilities, with read-only files, and quiet."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from datakit_testing import Browser, BrowserError, Containers, start_browser


def test_text_is_drawn_in_the_image_s_own_fonts(browser: Browser) -> None:
    with browser.open("data:text/html,<p style='font-family:Arial'>apples</p>") as page:
        page.wait_for("apples", seconds=30)
        page.do("DOM.enable")
        page.do("CSS.enable")
        root = page.do("DOM.getDocument")["root"]["nodeId"]
        paragraph = page.do("DOM.querySelector", nodeId=root, selector="p")["nodeId"]
        fonts = page.do("CSS.getPlatformFontsForNode", nodeId=paragraph)["fonts"]
    assert [(font["familyName"], font["glyphCount"]) for font in fonts] == [("Liberation Sans", 6.0)]


def test_it_keeps_its_processes_without_rights(browser: Browser) -> None:
    code = """
import pathlib
for file in pathlib.Path("/proc").glob("[0-9]*/status"):
    status = dict(line.split(":", 1) for line in file.read_text().splitlines())
    print(status["Name"].strip(), status["Uid"].split()[0], int(status["CapEff"], 16))
"""
    ended = browser.container.exec("python3", "-c", code)
    rows = [line.rsplit(maxsplit=2) for line in ended.stdout.splitlines()]
    assert any("chromium" in name for name, _, _ in rows), ended
    assert {(uid, capabilities) for _, uid, capabilities in rows} == {("10001", "0")}


def test_it_asks_for_nothing_that_it_was_not_told_to_open(containers: Containers, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    browser = start_browser(
        containers,
        "chromium",
        "--log-net-log=/log/net.json",
        name="logging",
        writable_mounts={"/log": tmp_path},
    )
    missing = pytest.raises(BrowserError, match="ERR_NAME_NOT_RESOLVED")
    with missing, browser.open("http://orchard/apples"):
        pass
    assert browser.container.stop() in (0, 143)
    log = json.loads((tmp_path / "net.json").read_text())
    asked = {event["params"]["url"] for event in log["events"] if "url" in event.get("params", {})}
    assert {url for url in asked if urlsplit(url).scheme not in ("about", "data")} == {
        "http://orchard/apples"
    }


def test_sigterm_ends_it(containers: Containers) -> None:
    browser = start_browser(containers, name="ending")
    assert browser.container.stop() in (0, 143)
