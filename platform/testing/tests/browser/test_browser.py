"""Pages whose scripts write later, seen by a browser in a container."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from datakit_testing import Browser, BrowserError, Container, Containers, NotReadyError, wait_until

PAGE = """<!doctype html>
<title>orchard</title>
<style>body { margin: 0; background: rgb(1, 2, 3) } svg { width: 9em; height: 2em }</style>
<p id="fruit">nothing yet</p>
<svg><text y="20">quince</text></svg>
<p hidden>rotten</p>
<button onclick="document.getElementById('fruit').append(', plums')">More</button>
<button title="Seeds" onclick="document.getElementById('fruit').append(', seeds')"><b>+</b></button>
<script>
  fetch("fruit.txt").then(answer => answer.text()).then(text => setTimeout(
    () => { document.getElementById("fruit").textContent = text }, 300));
</script>
"""


@pytest.fixture(scope="module")
def web(containers: Containers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    folder = tmp_path_factory.mktemp("site")
    for path in (folder, folder.parent):
        path.chmod(0o755)
    for name, content in (("index.html", PAGE), ("fruit.txt", "apples")):
        (folder / name).write_text(content)
        (folder / name).chmod(0o644)
    command = ("-m", "http.server", "8000", "--directory", "/srv")
    container = containers.start("python", *command, name="web", mounts={"/srv": Path(folder)})
    ask = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/')"
    wait_until("the site answers", lambda: container.exec("python3", "-c", ask).exit_code == 0)
    yield container
    container.remove()


def test_what_a_script_writes_later_is_waited_for(web: Container, browser: Browser) -> None:
    with browser.open(f"http://{web.name}:8000/") as page:
        shown = page.wait_for("apples", "quince", seconds=30)
    assert "nothing yet" not in shown
    assert "rotten" not in shown


def test_a_text_that_never_comes_is_said_with_what_the_page_shows(web: Container, browser: Browser) -> None:
    with browser.open(f"http://{web.name}:8000/") as page:
        page.wait_for("apples", seconds=30)
        with pytest.raises(NotReadyError, match=r"(?s)'pears'.*\['pears'\] not in http://web:8000/.*apples"):
            page.wait_for("apples", "pears", seconds=0.2)


def test_what_is_clicked_does_its_work(web: Container, browser: Browser) -> None:
    with browser.open(f"http://{web.name}:8000/") as page:
        page.wait_for("apples", seconds=30)
        page.click("More")
        page.wait_for("apples, plums", seconds=30)
        page.click("Seeds")
        page.wait_for("apples, plums, seeds", seconds=30)
        with pytest.raises(NotReadyError, match="'Less' can be clicked"):
            page.click("Less", seconds=0.2)


def test_a_screenshot_has_the_stated_size(web: Container, browser: Browser) -> None:
    with browser.open(f"http://{web.name}:8000/", width=640, height=360) as page:
        page.wait_for("apples", seconds=30)
        picture = page.screenshot()
        page.resize(300, 200)
        smaller = page.screenshot()
    assert size_of(picture) == (640, 360)
    assert size_of(smaller) == (300, 200)


def test_a_picture_is_taken_when_nothing_moves(web: Container, browser: Browser) -> None:
    with browser.open(f"http://{web.name}:8000/", width=64, height=64) as page:
        page.wait_for("apples", seconds=30)
        assert page.still_screenshot() == page.screenshot()
        page.evaluate(
            "setInterval(() => { document.body.style.background = `rgb(${Date.now() % 256}, 0, 0)` }, 30)"
        )
        with pytest.raises(NotReadyError, match="nothing in the page moves"):
            page.still_screenshot(seconds=0.1)


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_a_server_that_is_not_there_is_said(browser: Browser) -> None:
    missing = pytest.raises(BrowserError, match=r"http://nobody:8000/: net::ERR_NAME_NOT_RESOLVED")
    with missing, browser.open("http://nobody:8000/"):
        pass


def test_a_script_that_fails_is_said(web: Container, browser: Browser) -> None:
    with browser.open(f"http://{web.name}:8000/") as page:
        assert page.evaluate("Promise.resolve([1, {a: 'b'}])") == [1, {"a": "b"}]
        with pytest.raises(BrowserError, match="ReferenceError: pears is not defined"):
            page.evaluate("pears")


def test_a_command_that_it_does_not_know_is_refused(web: Container, browser: Browser) -> None:
    with browser.open(f"http://{web.name}:8000/") as page, pytest.raises(BrowserError, match="Page.bake"):
        page.do("Page.bake")


def test_a_closed_page_is_gone(web: Container, browser: Browser) -> None:
    def pages() -> set[str]:
        return {target["id"] for target in browser.ask("/json/list")}

    before = pages()
    with browser.open(f"http://{web.name}:8000/"):
        opened = pages() - before
    assert len(opened) == 1
    assert not opened & pages()
