"""Check that what the pages link to is there: files, and places in pages.

    python docs/check_links.py docs/_build/html [LEFT_OUT ...]

What is in one of the folders LEFT_OUT is not asked for. Nothing is fetched: links to other sites are left alone.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the names of the places in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.places = set(), {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in {"id", "name"} and value:
                self.places.add(value)
            # In the head there are links to pages that a theme or a server makes.
            if name in {"href", "src"} and value and tag != "link":
                self.links.add(value)


def broken_links(folder, left_out):
    """What is linked to and is not there, as (page, link), and how many links were followed."""
    left_out = [(folder / part).resolve() for part in left_out]
    pages = {path.resolve(): Page(path) for path in folder.rglob("*.html") if "_static" not in path.parts}
    followed, broken = 0, []
    for path, page in sorted(pages.items()):
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            followed += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if any(target.is_relative_to(part) for part in left_out):
                continue
            if not target.exists() or (target in pages and place not in pages[target].places):
                broken.append((path.relative_to(folder.resolve()), link))
    return broken, followed


def main(folder, *left_out):
    """Print the broken links; the number of them decides the exit status."""
    broken, followed = broken_links(Path(folder), left_out)
    for page, link in broken:
        print(f"{page}: {link}: no such file or place")
    print(f"{followed} links followed, {len(broken)} broken")
    return bool(broken) or not followed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
