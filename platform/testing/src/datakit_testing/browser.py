"""A browser in a container: pages as a user of them sees them, after their scripts ran."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from .containers import Container, Containers
from .images import Image
from .readiness import wait_until

__all__ = ["Browser", "BrowserError", "Page", "start_browser"]

LONGEST_START_SECONDS = 60.0
_PORT = 9222
_STILL_SECONDS = 0.5  # longer than a pause within a movement
_SETTLING_TRIES = 5
_CLOSING_SECONDS = 30.0
_ANSWER_SECONDS = 60.0  # for one command, on a busy machine

# The middle of the innermost visible element with exactly this text, label or title.
_MIDDLE_OF = """
(text => {
  const names = e => [(e.innerText ?? e.textContent).trim(), e.ariaLabel, e.title];
  const found = [...document.querySelectorAll("body *")]
    .filter(e => names(e).includes(text) && e.getClientRects().length).at(-1);
  if (!found) return null;
  found.scrollIntoView({block: "nearest", inline: "nearest"});
  const box = found.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})(%s)
"""


class BrowserError(Exception):
    """The browser did not do what it was told; the text says what it answered."""


class Page:
    """A page in the browser: see `Browser.open`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._commands = 0

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command of the DevTools protocol and returns its result.

        Raises:
            BrowserError: it was refused.
        """
        self._commands += 1
        self._socket.send(json.dumps({"id": self._commands, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=_ANSWER_SECONDS))
            if answer.get("id") != self._commands:
                continue  # an event
            if "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            result: dict[str, Any] = answer["result"]
            return result

    def resize(self, width: int, height: int) -> None:
        """Gives the window another size, in pixels."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def go_to(self, url: str) -> None:
        """Opens another address in the same page, and returns when its server answered.

        Raises:
            BrowserError: no server answered.
        """
        for _ in range(_SETTLING_TRIES):
            fault = self.do("Page.navigate", url=url).get("errorText")
            if fault != "net::ERR_NETWORK_CHANGED":  # a new container's network settles in its first seconds
                break
        if fault:
            raise BrowserError(f"{url}: {fault}")

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise.

        Raises:
            BrowserError: it failed; the text has the exception.
        """
        answer = self.do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    @property
    def text(self) -> str:
        """The text that the page shows now."""
        return str(self.evaluate("document.body?.innerText ?? ''"))

    def wait_for(self, *texts: str, seconds: float = 60.0) -> str:
        """Waits until the page shows all of these, and returns its text.

        Raises:
            NotReadyError: it does not within `seconds`; the text has what is missing and what the page shows.
        """
        wanted = ", ".join(repr(text) for text in texts)
        return wait_until(f"the page shows {wanted}", lambda: self._text_with(texts), seconds=seconds)

    def _text_with(self, texts: tuple[str, ...]) -> str:
        shown = self.text
        if missing := [text for text in texts if text not in shown]:
            raise BrowserError(f"{missing} not in {self.evaluate('location.href')}, which shows {shown!r}")
        return shown

    def click(self, text: str, *, seconds: float = 60.0) -> None:
        """Clicks on the element with exactly this text, label or title, as soon as there is one.

        Raises:
            NotReadyError: there is none within `seconds`.
        """
        middle = _MIDDLE_OF % json.dumps(text)
        x, y = wait_until(f"{text!r} can be clicked", lambda: self.evaluate(middle), seconds=seconds)
        for event in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.do("Input.dispatchMouseEvent", type=event, x=x, y=y, button="left", clickCount=1)

    def screenshot(self) -> bytes:
        """A picture of the window in its size, as PNG."""
        return base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"])

    def still_screenshot(self, *, seconds: float = 30.0) -> bytes:
        """Likewise, as soon as nothing in it moves any more.

        Raises:
            NotReadyError: something still moves after `seconds`.
        """

        def still() -> bytes | None:
            before = self.screenshot()
            time.sleep(_STILL_SECONDS)
            return before if self.screenshot() == before else None

        picture = wait_until("nothing in the page moves", still, seconds=seconds)
        assert picture is not None
        return picture


@dataclass(frozen=True)
class Browser:
    """A browser that answers.

    Attributes:
        container: where it runs; it reaches other containers of the test by their names.
        host: of its DevTools protocol, for this process.
        port: likewise.
    """

    container: Container
    host: str
    port: int

    def ask(self, path: str, *, method: str = "GET") -> Any:
        """What the browser itself answers, such as to `/json/version`: JSON, or text."""
        request = urllib.request.Request(f"http://{self.host}:{self.port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
            content = answer.read().decode()
        return json.loads(content) if content.startswith(("{", "[")) else content

    @contextmanager
    def open(self, url: str, *, width: int = 1280, height: int = 800) -> Iterator[Page]:
        """Opens a page in a window of its own, closed at the end of a `with` block.

        Args:
            url: containers are reached by their names, this process is not: `http://airflow:8080/`.
            width: of the window, in pixels.
            height: of the window, in pixels.

        Raises:
            BrowserError: no server answered.
        """
        target = self.ask(f"/json/new?{urllib.parse.quote('about:blank')}", method="PUT")
        try:
            with connect(
                target["webSocketDebuggerUrl"], max_size=None, open_timeout=_ANSWER_SECONDS
            ) as socket:
                page = Page(socket)
                page.resize(width, height)
                page.go_to(url)
                yield page
        finally:
            wait_until("the page closes", lambda: self._closed(target["id"]), seconds=_CLOSING_SECONDS)

    def _closed(self, page: str) -> bool:
        """Whether a page is gone, which it is asked to be; one that loads just then does not always obey."""
        if all(target["id"] != page for target in self.ask("/json/list")):
            return True
        self.ask(f"/json/close/{page}")
        return False


def start_browser(
    containers: Containers,
    image: str | Image = "chromium",
    *options: str,
    name: str = "browser",
    writable_mounts: Mapping[str, Path] | None = None,
) -> Browser:
    """Starts a browser and returns it when it answers.

    Args:
        containers: where it runs.
        image: an image, or the name of one of this test's.
        *options: of the browser, such as `--lang=de`.
        name: of the container.
        writable_mounts: path inside to a folder of this machine, to be written.
    """
    container = containers.start(image, *options, name=name, ports=[_PORT], writable_mounts=writable_mounts)
    browser = Browser(container, *container.address(_PORT))
    wait_until(
        f"{name} answers on {browser.host}:{browser.port}",
        lambda: browser.ask("/json/version"),
        seconds=LONGEST_START_SECONDS,
        still_possible=lambda: container.ended,
    )
    return browser
