"""The page of ``skisp app``, through its HTTP door."""

import http.client
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import skisp
from skisp.cli import _app_server, _app_workspace, _redrawer, main
from skisp.cli._app_workspace import Picture, Workspace
from skisp.datasets import load_photograph, make_style_image
from skisp.io import read_image
from skisp.io._images import encode_image

from .._processes import ENVIRONMENT
from ._app_client import Client, served

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def client():
    with served() as client:
        yield client


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """A JPEG file whose camera was held upright."""
    exif = PIL.Image.Exif()
    exif[274], exif[271] = 6, "A camera"
    buffer = BytesIO()
    PIL.Image.fromarray(load_photograph("china", size=90)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def painting():
    return bytes(encode_image(make_style_image("waves", size=50, random_state=0), ".png"))


@pytest.fixture
def pair(client, photograph, painting):
    return client.drop("photograph", "my photo.jpg", photograph), client.drop("painting", "wave.png", painting)


def pixels(data):
    return read_image(BytesIO(data))


def test_at_full_size_it_is_the_file_that_the_command_writes(client, pair, photograph, painting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(photograph)
    Path("painting.png").write_bytes(painting)
    options = ["--strength", "0.5", "--style-scale", "2", "--color", "content", "--quiet"]
    assert main(["propagate", "photo.jpg", "--style", "painting.png", "-o", "out.jpg", *options]) == 0
    name, data = client.drawn(*pair, full=True, strength=0.5, style_scale=2, color="content")
    assert name == "my photo-wave.jpg"
    assert data == Path("out.jpg").read_bytes()


def test_a_preview_is_small_and_follows_the_settings(client, pair, photograph, monkeypatch):
    monkeypatch.setattr(_redrawer, "_PREVIEW_SHORT_SIDE", 24)
    small = read_image(BytesIO(photograph), size=36)
    assert small.shape == (36, 24, 3)
    name, data = client.drawn(*pair, strength=0)
    assert name == "my photo-wave.png"
    np.testing.assert_array_equal(pixels(data), small)
    drawn = [pixels(client.drawn(*pair, **look)[1]) for look in ({}, {"strength": 0.5}, {"content_weight": 3})]
    propagator = skisp.StylePropagator(style_images=[make_style_of(client, pair)], random_state=0).fit([small])
    for look, picture in zip(({}, {"strength": 0.5}, {"content_weight": 3}), drawn, strict=True):
        np.testing.assert_array_equal(picture, propagator.set_params(**look).transform([small])[0])
        propagator.set_params(strength=1.0, content_weight=1.0)


def make_style_of(client, pair):
    """The painting as the page shows it."""
    return pixels(client.request("GET", f"/pictures/{pair[1]}")[1])


def test_it_is_told_that_the_painting_is_learnt_and_then_that_it_is_redrawn(client, pair, monkeypatch):
    monkeypatch.setattr(_app_workspace, "_SECONDS_BETWEEN_NEWS", 0.01)
    *told, result = client.redraw(*pair)
    doing = [line["doing"] for line in told]
    assert doing[0] == "learning the painting"
    assert doing[-1] == "redrawing"
    assert all(0 <= line["share"] <= 1 for line in told)
    assert "result" in result
    assert {line["doing"] for line in client.redraw(*pair, full=True)[:-1]} == {"redrawing at full size"}


def test_pages_at_once_learn_a_painting_once_and_get_their_own_pictures(client, painting, monkeypatch):
    learnt, learn = [], _app_workspace.learn
    monkeypatch.setattr(_app_workspace, "learn", lambda *given: learnt.append(given[1]) or learn(*given))
    style = client.drop("painting", "wave.png", painting)
    contents = [
        client.drop("photograph", f"{name}.png", bytes(encode_image(load_photograph(name, size=40), ".png")))
        for name in ("china", "flower")
    ]
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda content: client.drawn(content, style), contents * 2))
    assert learnt == [["wave.png"]]
    assert [name for name, _ in drawn] == ["china-wave.png", "flower-wave.png"] * 2
    assert drawn[:2] == drawn[2:]
    assert drawn[0][1] != drawn[1][1]


def test_a_procedural_style_is_made_here(client, photograph):
    status, body, _ = client.request("POST", "/procedural", "mosaic")
    assert status == 200
    shown = pixels(client.request("GET", f"/pictures/{json.loads(body)['key']}")[1])
    np.testing.assert_array_equal(
        shown, pixels(bytes(encode_image(make_style_image("mosaic", size=512, random_state=0), ".png")))
    )
    status, body, _ = client.request("POST", "/procedural", "nothing")
    assert (status, "known are" in json.loads(body)["error"]) == (400, True)


def test_the_page_offers_every_procedural_style(client):
    page = client.request("GET", "/")[1].decode()
    [options] = re.findall(r'<select id="kind">(.*?)</select>', page, re.DOTALL)
    values = [value or text for value, text in re.findall(r'<option(?: value="(.*?)")?>(.*?)</option>', options)]
    assert sorted(values) == sorted(["none", *skisp.datasets.STYLE_KINDS])


def test_what_is_shown_is_upright_and_has_no_exif(client, pair, photograph):
    image = PIL.Image.open(BytesIO(client.request("GET", f"/pictures/{pair[0]}")[1]))
    np.testing.assert_array_equal(np.asarray(image), read_image(BytesIO(photograph)))
    assert not image.getexif()


def png_of(width, height):
    """A PNG file that says it has this size, and has no pixels."""
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT", b"IEND"]
    framed = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot read the photograph: the file is empty"),
        (b"no picture at all", "cannot read the photograph: it is not an image"),
        (png_of(30_000, 30_000), "cannot read the photograph: it has 30000 x 30000 pixels, more than the 100000000"),
    ],
    ids=["empty", "no picture", "too many pixels"],
)
def test_what_cannot_be_read_is_said_in_a_line(client, data, message):
    status, body, _ = client.request("POST", "/photograph", data, X_Name="a.jpg")
    assert status == 400
    assert json.loads(body)["error"].startswith(message)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(client, monkeypatch):
    monkeypatch.setattr(_app_server, "_MOST_MEGABYTES", 1)
    with socket.create_connection(client.host.split(":")) as connection:
        head = f"POST /photograph HTTP/1.1\r\nHost: {client.host}\r\nContent-Length: {2 << 20}\r\n\r\n"
        connection.sendall(head.encode())
        answer = connection.makefile("rb").read()
    assert b" 413 " in answer.splitlines()[0]
    assert b"more than the 1 MB allowed" in answer


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.com"},
        {"Host": "example.com:{port}"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://example.com"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_pages_of_other_sites_are_refused(client, pair, headers):
    headers = {name: value.format(port=client.host.split(":")[1]) for name, value in headers.items()}
    for method, path in (("GET", "/"), ("GET", f"/pictures/{pair[0]}"), ("POST", "/procedural"), ("POST", "/redraw")):
        status, body, _ = client.request(method, path, "waves" if method == "POST" else None, **headers)
        assert status == 403
        assert set(json.loads(body)) == {"error"}


def test_it_answers_to_both_names_of_this_machine_and_its_own_page(client):
    port = client.host.split(":")[1]
    for host in (client.host, f"localhost:{port}"):
        headers = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
        assert client.request("GET", "/", **headers)[0] == 200


def test_it_listens_on_this_machine_only(client):
    with _app_server.AppServer(0, None) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/../page.js",
        "/page.js/..",
        "/results",
        "/results/../../setup.py",
        "/app_page/page.js",
        "/?a",
    ],
)
def test_no_path_leads_to_a_file(client, path):
    assert client.request("GET", path)[0] == 404
    assert client.request("POST", path, "")[0] == 404


def test_a_page_sets_the_look_only(client, pair, tmp_path):
    for look in ({"memory": str(tmp_path / "new")}, {"style_images": "/etc/passwd"}, {"device": "cuda"}):
        assert "other settings than color, content_weight" in client.redraw(*pair, **look)[-1]["error"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("look", [{"strength": 2}, {"strength": [1]}, {"color": "none"}, {"style_scale": float("nan")}])
def test_settings_out_of_range_are_refused(client, pair, look, full):
    [(name, _)] = look.items()
    assert f"{name.replace('_', '-')} must be a" in client.redraw(*pair, full=full, **look)[-1]["error"]


@pytest.mark.parametrize("body", ["[]", "3", "{", '{"look": 3}', "[" * 9000, '{"content": [1]}'])
def test_a_wish_that_is_none_is_answered_by_an_error(client, body):
    assert set(json.loads(client.request("POST", "/redraw", body)[1])) == {"error"}


def test_nothing_may_come_from_another_place(client):
    policy = client.request("GET", "/")[2]["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert set(re.findall(r"'\w+'|\w+:", policy)) == {"'none'", "'self'", "data:"}
    sent = b"".join(client.request("GET", path)[1] for path in ("/", "/page.css", "/page.js"))
    assert b"//" not in re.sub(rb"// .*", b"", sent)


def test_what_was_asked_for_last_is_kept(photograph, monkeypatch):
    monkeypatch.setattr(_app_workspace, "_MOST_BYTES", 1)
    workspace = Workspace()
    first, *_, last = [
        workspace.add(Picture("a.png", bytes(encode_image(np.full((9, 9), level, np.uint8), ".png"))), "it")["key"]
        for level in range(4)
    ]
    assert pixels(workspace.shown(last).data)[0, 0] == 3
    with pytest.raises(Exception, match="no longer kept here; drop it again"):
        workspace.shown(first)


class Gone(ConnectionError):
    """The page was closed."""


def test_learning_goes_on_for_a_page_that_has_gone_and_redrawing_does_not(photograph, painting, monkeypatch):
    learnt, learn, may_go_on = [], _app_workspace.learn, threading.Event()

    def learn_later(*given):
        may_go_on.wait()
        learnt.append(1)
        return learn(*given)

    monkeypatch.setattr(_app_workspace, "learn", learn_later)
    workspace = Workspace()
    pair = [workspace.add(Picture("a.png", data), "it")["key"] for data in (photograph, painting)]

    def leave(doing, share):
        raise Gone(doing)

    with pytest.raises(Gone, match="learning the painting"):
        workspace.redraw(*pair, {}, False, leave)
    may_go_on.set()
    told = []
    workspace.redraw(*pair, {}, False, lambda doing, _: told.append(doing))
    assert learnt == [1]
    for full in (False, True):
        with pytest.raises(Gone, match="redrawing"):
            workspace.redraw(*pair, {"strength": 0.5}, full, leave)


@pytest.mark.slow
def test_the_command_prints_the_address_and_ends_at_once_by_ctrl_c_while_it_computes(tmp_path):
    """In a process of its own, since torch would abort it."""
    command = [sys.executable, "-m", "skisp", "app", "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=tmp_path, env=ENVIRONMENT, **pipes) as process:
        line = process.stdout.readline()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ \(only on this machine; Ctrl-C ends it\)\n", line)
        client = Client(line.split()[0])
        large = bytes(encode_image(np.tile(load_photograph("china"), (3, 3, 1)), ".png"))
        content = client.drop("photograph", "large.png", large)
        style = json.loads(client.request("POST", "/procedural", "waves")[1])["key"]
        connection = http.client.HTTPConnection(client.host, timeout=60)
        connection.request("POST", "/redraw", json.dumps({"content": content, "style": style, "full": True}))
        lines = iter(connection.getresponse().readline, b"")
        next(line for line in lines if json.loads(line)["doing"] == "redrawing at full size")
        process.send_signal(signal.SIGINT)
        try:
            assert process.communicate(timeout=20) == ("ended; nothing is kept\n", "")
        finally:
            process.kill()  # or it would be waited for: a shell's background processes ignore the signal
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_said(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["app", "--no-browser", "--port", str(port)]) == 2
    assert f"cannot listen on port {port}: Address already in use; choose another --port" in capsys.readouterr().err
