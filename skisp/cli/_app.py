"""The command that opens a page in the browser, on this machine only."""

import os
import webbrowser
from argparse import Namespace

from ._app_server import AppServer
from ._app_workspace import Workspace
from ._errors import UserError
from ._redrawer import use_cores
from ._streams import print_line

__all__ = ["app"]


def app(arguments: Namespace) -> int:
    """Serve the page until the command is interrupted."""
    use_cores(arguments)
    workspace = Workspace(arguments.seed, arguments.device)
    try:
        server = AppServer(arguments.port, workspace)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot listen on port {arguments.port}: {reason}; choose another --port") from error
    try:
        with server:
            print_line(f"{server.address} (only on this machine; Ctrl-C ends it)")
            if not arguments.no_browser:
                webbrowser.open(server.address)
            server.serve_forever()
    except KeyboardInterrupt:
        print_line("ended; nothing is kept")
        if server.is_busy():
            # torch aborts the process, with a message, if threads that compute are ended by Python.
            os._exit(0)
    return 0
