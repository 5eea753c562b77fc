"""What the tests of the page share: a server of their own, and requests to it."""

import http.client
import json
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

from skisp.cli._app_server import AppServer
from skisp.cli._app_workspace import Workspace


@contextmanager
def served():
    """The page, served from this process; gives a client."""
    with AppServer(0, Workspace()) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Client(server.address)
        finally:
            server.shutdown()
            thread.join()


class Client:
    def __init__(self, address):
        self.address = address
        self.host = urlsplit(address).netloc

    def request(self, method, path, body=None, **headers):
        """The status, the body and the headers of an answer."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    def drop(self, role, name, data):
        """Give a picture, which must be taken; its key."""
        status, body, _ = self.request("POST", f"/{role}", data, X_Name=name)
        assert status == 200, body
        return json.loads(body)["key"]

    def redraw(self, content, style, *, full=False, **look):
        """The lines of the answer: what was told, and the result or the error."""
        wish = {"content": content, "style": style, "look": look, "full": full}
        status, body, _ = self.request("POST", "/redraw", json.dumps(wish))
        assert status == 200, body
        return [json.loads(line) for line in body.splitlines()]

    def drawn(self, *pair, **wish):
        """The name and the bytes of a result."""
        result = self.redraw(*pair, **wish)[-1]["result"]
        status, body, _ = self.request("GET", f"/results/{result['key']}")
        assert status == 200
        return result["name"], body
