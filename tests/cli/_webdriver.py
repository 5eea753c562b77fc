"""A browser without a window, driven by the W3C WebDriver protocol that chromedriver speaks."""

import json
import re
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


@contextmanager
def browser(downloads, width=1200):
    """A browser that finds no name but those of this machine; what it downloads goes to a folder."""
    # Chromium cannot ask for a port itself and tell it.
    with subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as driver:
        try:
            started = next(line for line in driver.stdout if "started successfully on port" in line)
            [port] = re.findall(r"port (\d+)", started)
            session = Browser(f"http://127.0.0.1:{port}", downloads, width)
            try:
                yield session
            finally:
                session.call("DELETE", "")
        finally:
            driver.kill()


class Browser:
    def __init__(self, address, downloads, width):
        self.address = f"{address}/session"
        arguments = ["headless", "no-sandbox", "disable-gpu", f"window-size={width},1000", "no-first-run"]
        arguments.append("host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        options = {"binary": BROWSER, "args": arguments, "prefs": {"download.default_directory": str(downloads)}}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        self.address += "/" + self.call("POST", "", {"capabilities": wanted})["sessionId"]

    def call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, address):
        self.call("POST", "/url", {"url": address})

    def run(self, script, *arguments):
        """What a function body in JavaScript returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, seconds=60):
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not (value := self.run(f"return {script}")):
            assert time.monotonic() < end, f"{script} is still {value!r}; {self.run('return document.body.innerText')}"
            time.sleep(0.05)
        return value

    def type(self, selector, text):
        """Press keys in an element; of an input of files, give a path."""
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})[_ELEMENT]
        self.call("POST", f"/element/{found}/value", {"text": text})

    def press(self, key):
        """Press a key, wherever the focus is."""
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def messages(self):
        """What the browser has written to its console since the last time."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def labels(self, selector):
        """The role and the name of each element that is found, as a screen reader gets them."""
        found = self.call("POST", "/elements", {"using": "css selector", "value": selector})
        paths = [f"/element/{element[_ELEMENT]}/computed" for element in found]
        return [tuple(self.call("GET", path + what) for what in ("role", "label")) for path in paths]

    @contextmanager
    def screen(self, width, height):
        """A screen of another size; windows are at least 500 px wide."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": size})
        yield
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.clearDeviceMetricsOverride", "params": {}})
