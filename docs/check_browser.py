"""Open pages in Chromium, and check that nothing fails there: scripts, pictures, the search, and narrow screens.

    python docs/check_browser.py docs/_build/html [--screenshots FOLDER]

The pages are served on this machine, each with a script put before its own ones that writes down what goes wrong. Where
there is no Chromium nothing is checked.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (400, 1400)
PAGES = {
    "front": "index.html",
    "tasks": "tasks.html",
    "films": "films.html",
    "libraries": "libraries.html",
    "guide": "guide/propagation.html",
    "reference": "api.html",
    "tutorial": "tutorial_rows.html",
    "app": "app.html",
    "command": "command.html",
    "chooser": "guide/cvae_or_pca.html",
    "gallery": "auto_examples/index.html",
    "example": "auto_examples/plot_propagate_style.html",
    "class": "generated/skisp.StylePropagator.html",
    "formula": "generated/skisp.datasets.digit_slant.html",
    "search": "search.html?q=StylePropagator",
}
SOUGHT = "skisp.StylePropagator"

# Errors of scripts and of what cannot be loaded, and, once the page stands, its pictures and its width.
PROBE = """<script>
const probe = {errors: []};
addEventListener("error", e => probe.errors.push(e.message || "not loaded: " + (e.target.src || e.target.href)), true);
addEventListener("unhandledrejection", e => probe.errors.push(String(e.reason)));
for (const level of ["error", "assert"]) {
  const original = console[level];
  console[level] = (...words) => { probe.errors.push(words.join(" ")); original.apply(console, words); };
}
addEventListener("load", async () => {
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
  const found = () => [...document.querySelectorAll("#search-results li")].map(item => item.textContent.trim());
  for (let i = 0; i < 100 && location.search && !found().length; i++) await new Promise(go => setTimeout(go, 100));
  probe.images = document.images.length;
  probe.empty = [...document.images].filter(image => !image.naturalWidth).map(image => image.src);
  probe.found = found();
  probe.width = innerWidth;
  probe.needed = document.documentElement.scrollWidth;
  const place = document.createElement("pre");
  place.id = "probe";
  place.hidden = true;
  place.textContent = JSON.stringify(probe);
  parent.document.body.append(place);
});
</script>"""


# Chromium's windows are at least 500 px wide; frames in them are not.
FRAME = """<!DOCTYPE html><body style="margin: 0">
<iframe src="/{page}" style="border: 0; width: {width}px; height: 1600px">
</iframe></body>"""


class Handler(SimpleHTTPRequestHandler):
    """Serves files, pages with the probe in them, pages in a frame (``/400/index.html``), and writes no log."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        framed = re.fullmatch(r"/(\d+)/(.*)", self.path)
        if framed:
            self.send_page(FRAME.format(width=framed[1], page=framed[2]))
        elif path.suffix == ".html" and path.exists():
            self.send_page(path.read_text(encoding="utf-8").replace("<head>", f"<head>{PROBE}", 1))
        else:
            super().do_GET()

    def send_page(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Say nothing."""


def opened(browser, address, width, *options):
    """What Chromium prints of a page in a window of this width."""
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        command += [f"--user-data-dir={profile}", f"--window-size={width},1600", "--virtual-time-budget=300000"]
        done = subprocess.run([*command, *options, address], capture_output=True, text=True, timeout=300)
    return done.stdout


def faults(browser, address, width):
    """What is wrong with a page, as a list of sentences."""
    # On a busy machine Chromium may print a page before it has loaded.
    pages = (opened(browser, address, width, "--dump-dom") for _ in range(5))
    report = next(
        filter(None, (re.search(r'<pre id="probe"[^>]*>(.*?)</pre>', page, re.DOTALL) for page in pages)), None
    )
    if not report:
        return ["it did not load"]
    probe = json.loads(unescape(report[1]))
    wrong = [f"error: {error}" for error in probe["errors"]]
    wrong += [f"picture not shown: {source}" for source in probe["empty"]]
    if probe["width"] != width:
        wrong.append(f"it was opened {probe['width']} px wide instead of {width}")
    if probe["needed"] > probe["width"]:
        wrong.append(f"it needs {probe['needed']} px where there are {probe['width']}")
    if "search.html" in address and not any(SOUGHT in found for found in probe["found"]):
        wrong.append(f"the search does not find {SOUGHT}: {probe['found'][:5]}")
    return wrong


def check(browser, folder, screenshots):
    """Open all pages at all widths; return how many have faults, which are printed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bad = 0
    for name, page in PAGES.items():
        for width in WIDTHS:
            address = f"http://127.0.0.1:{server.server_port}/{width}/{page}"
            wrong = faults(browser, address, width)
            bad += bool(wrong)
            print(f"{page} at {width} px: {'; '.join(wrong) or 'good'}")
            if screenshots:
                opened(browser, address, width, f"--screenshot={Path(screenshots, f'{name}-{width}.png').resolve()}")
    server.shutdown()
    return bad


def main():
    """Check the folder given; the exit status says whether all is good."""
    parser = argparse.ArgumentParser(description="Open pages in Chromium and check that nothing fails there.")
    parser.add_argument("folder", help="the pages, docs/_build/html")
    parser.add_argument("--screenshots", metavar="FOLDER", help="where to put pictures of the pages")
    arguments = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium here: nothing checked")
        return 0
    return int(check(browser, arguments.folder, arguments.screenshots) > 0)


if __name__ == "__main__":
    sys.exit(main())
