"""The page of ``skisp app`` in a browser."""

import time
from io import BytesIO

import numpy as np
import pytest

from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image, write_image

from ._app_client import served
from ._webdriver import BROWSER, DRIVER, browser

pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver here")

DONE = "document.getElementById('status').textContent.startsWith('Done')"
SHOWN = "document.getElementById('after').src"
ERROR = "document.getElementById('error').textContent"
RIGHT, TAB = "\ue014", "\ue004"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    write_image(folder / "photo.png", load_photograph("china", size=90))
    write_image(folder / "painting.png", make_style_image("waves", size=60, random_state=0))
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def page(folder):
    """A browser, one for all tests."""
    with browser(folder) as page:
        yield page


@pytest.fixture(scope="module")
def client(quick_training):
    """A server, one for all tests: what it has learnt and drawn once, it has."""
    with served() as client:
        yield client


@pytest.fixture
def filled(page, client, folder):
    """The page with a photograph redrawn in the style of a painting."""
    page.messages()
    page.open(client.address)
    page.type("#photograph", str(folder / "photo.png"))
    page.type("#painting", str(folder / "painting.png"))
    page.wait(DONE)
    return page


def test_pictures_are_chosen_redrawn_and_downloaded(filled, folder):
    filled.run("document.getElementById('download').click()")
    path = folder / "photo-painting.png"
    end = time.monotonic() + 30
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert read_image(path).shape == read_image(folder / "photo.png").shape
    path.unlink()
    assert filled.run("return document.getElementById('after').naturalWidth") == 90
    assert filled.run("return document.getElementById('before').naturalWidth") == 90


def test_a_slider_moved_by_the_keyboard_changes_the_picture(filled, client):
    before = filled.run(f"return {SHOWN}")
    filled.run("document.getElementById('strength').focus()")
    for _ in range(20):
        filled.press("\ue012")  # left
    assert filled.run("return document.querySelector('#strength').value") == "0"
    assert filled.run("return document.querySelector('#strength').previousElementSibling.textContent") == "0.00"
    filled.wait(f"{SHOWN} !== '{before}' && {DONE}")
    path = filled.run(f"return new URL({SHOWN}).pathname")
    drawn = read_image(BytesIO(client.request("GET", path)[1]))
    np.testing.assert_array_equal(drawn, load_photograph("china", size=90))


def test_the_divider_is_moved_by_the_keyboard(filled):
    filled.run("document.getElementById('divider').focus()")
    filled.press(RIGHT)
    assert filled.run("return getComputedStyle(document.getElementById('after')).clipPath") == "inset(0px 0px 0px 51%)"


def test_pictures_are_dropped(page, client):
    page.open(client.address)
    for role in ("photograph", "painting"):
        page.run(
            """
            const canvas = document.createElement("canvas");
            canvas.width = canvas.height = 60;
            const context = canvas.getContext("2d");
            for (let i = 0; i < 60; i++) {
                context.fillStyle = `hsl(${i * 37}, 80%, 50%)`;
                context.fillRect(i, 0, 1, i);
            }
            const data = Uint8Array.from(atob(canvas.toDataURL().split(",")[1]), byte => byte.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([data], `${arguments[0]} “1”.png`));
            const label = document.getElementById(arguments[0]).closest("label");
            label.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
            """,
            role,
        )
    page.wait(DONE)
    assert page.run("return document.getElementById('download').download") == "photograph “1”-painting “1”.png"


def test_what_cannot_be_read_is_said_and_what_was_there_stays(filled, folder):
    before = filled.run(f"return {SHOWN}")
    filled.type("#painting", str(folder / "broken.jpg"))
    assert filled.wait(ERROR).startswith("cannot read the painting: ")
    assert filled.run(f"return {SHOWN}") == before
    filled.run(
        """
        const kind = document.getElementById("kind");
        kind.value = "mosaic";
        kind.dispatchEvent(new Event("change"));
        """
    )
    filled.wait(f"{SHOWN} !== '{before}' && {DONE}")
    assert filled.run(f"return {ERROR}") == ""


def test_two_tabs_have_pictures_of_their_own(filled, client, folder):
    first = filled.call("GET", "/window")
    shown = filled.run(f"return {SHOWN}")
    second = filled.call("POST", "/window/new", {"type": "tab"})["handle"]
    filled.call("POST", "/window", {"handle": second})
    filled.open(client.address)
    filled.type("#photograph", str(folder / "painting.png"))
    filled.type("#painting", str(folder / "photo.png"))
    filled.wait(DONE)
    assert filled.run(f"return {SHOWN}") != shown
    filled.call("DELETE", "/window")
    filled.call("POST", "/window", {"handle": first})
    assert filled.run(f"return {SHOWN}") == shown


def test_nothing_comes_from_another_place_and_the_console_is_silent(filled, client):
    asked = filled.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert len(asked) > 6
    assert [name for name in asked if not name.startswith(client.address)] == []
    assert filled.messages() == []


def test_it_says_when_the_command_has_ended(page, client, folder):
    page.open(client.address)
    # A browser may hold a connection open, which this process would still answer.
    page.run("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    page.type("#photograph", str(folder / "photo.png"))
    assert "has skisp app ended?" in page.wait(ERROR)


def test_everything_has_a_name_and_is_reached_by_the_keyboard(filled):
    named = filled.labels("input, select, a, progress, section, #views img")
    assert [role for role, name in named if not name and role != "none"] == []
    names = [name for _, name in named]
    for part in ("Photograph", "Painting", "Strength", "Keep the photograph", "Size of strokes", "Colours", "Divider"):
        assert any(part in name for name in names), part
    filled.run("document.activeElement.blur(); document.body.focus()")
    reached = []
    for _ in range(12):
        filled.press(TAB)
        reached.append(filled.run("return document.activeElement.id"))
    order = "photograph painting kind strength content_weight style_scale color divider download".split()  # noqa: SIM905
    assert [id for id in reached if id in order][:9] == order


def test_it_fits_narrow_and_wide_screens(filled):
    for width in (400, 1400):
        with filled.screen(width, 900):
            assert filled.run("return innerWidth") == width
            assert filled.run("return document.documentElement.scrollWidth") <= width
