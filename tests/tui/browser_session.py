"""Serves the interface and uses it in a headless browser; a process of its own.

Prints what was found as JSON. The browser is steered through chromedriver, by the
protocol of https://www.w3.org/TR/webdriver2/.
"""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from polyspec.tui.serving import make_server

RUN = """
import sys
from polyspec.tui import making, run
from tests.fakes_tui import PaperMaker
making.RealMaker = PaperMaker
sys.exit(run.open_interface({"to": "fr", "from_": "en"}))
"""
_LISTEN = """
window.seen = '';
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', async event => {
      const data = event.data;
      window.seen += typeof data === 'string' ? data : await new Response(data).text();
    });
  }
};
"""
_SEEN = "return document.querySelector('canvas, .xterm-screen') ? window.seen : ''"
_FOREIGN = (
    "return performance.getEntriesByType('resource').map(e => e.name)"
    ".filter(name => !name.startsWith(location.origin) && !name.startsWith('data:'))"
)


def ask(url: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
    data = None if method == "GET" else json.dumps(body or {}).encode()
    request = urllib.request.Request(
        url, data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]


def status_of(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as ok:
            return int(ok.status)
    except urllib.error.HTTPError as error:
        return error.code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(server: Any) -> None:
    from aiohttp import web

    async def run() -> None:
        runner = web.AppRunner(await server._make_app())
        await runner.setup()
        await web.TCPSite(runner, server.host, server.port).start()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()


def wait_for(session: str, text: str) -> str:
    until = time.monotonic() + 90
    while True:
        shown = str(ask(f"{session}/execute/sync", {"script": _SEEN, "args": []}))
        if text in shown or time.monotonic() > until:
            return shown
        time.sleep(0.2)


def use_browser(driver: str, browser: str, address: str) -> dict[str, Any]:
    port = free_port()
    process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                ask(f"{base}/status", method="GET")
                break
            except OSError:
                time.sleep(0.2)
        options = {
            "binary": browser,
            "args": ["--headless=new", "--no-sandbox", "--window-size=1200,800"],
        }
        wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
        started = ask(f"{base}/session", {"capabilities": wanted})
        session = f"{base}/session/{started['sessionId']}"
        listening = {
            "cmd": "Page.addScriptToEvaluateOnNewDocument",
            "params": {"source": _LISTEN},
        }
        ask(f"{session}/goog/cdp/execute", listening)
        ask(f"{session}/url", {"url": address})
        first = wait_for(session, "paste a text")
        keys = [
            {"type": kind, "value": char}
            for char in "good day"
            for kind in ("keyDown", "keyUp")
        ]
        click = [
            {"type": "pointerMove", "x": 200, "y": 200},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "actions": click}
        ask(f"{session}/actions", {"actions": [mouse]})
        time.sleep(1)
        typing = {"type": "key", "id": "keys", "actions": keys}
        ask(f"{session}/actions", {"actions": [typing]})
        translated = wait_for(session, "GOOD DAY")
        picture = ask(f"{session}/screenshot", method="GET")
        foreign = ask(f"{session}/execute/sync", {"script": _FOREIGN, "args": []})
        ask(session, method="DELETE")
    finally:
        process.kill()
        process.wait()
    return {
        "first": first,
        "translated": translated,
        "foreign": foreign,
        "picture": picture,
    }


def main() -> None:
    """Run one session; arguments are chromedriver and the browser."""
    server = make_server([sys.executable, "-c", RUN], free_port())
    serve(server)
    plain = f"http://127.0.0.1:{server.port}/"
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            status_of(plain)
            break
        except urllib.error.URLError:
            time.sleep(0.1)
    found = {
        "without_key": status_of(plain),
        "with_key": status_of(server.address),
        "from_another_page": status_of(server.address, Origin="http://evil.example"),
        "by_another_name": status_of(server.address, Host="evil.example"),
        "host": server.host,
    }
    if len(sys.argv) > 2:
        found |= use_browser(sys.argv[1], sys.argv[2], server.address)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
