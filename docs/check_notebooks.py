"""Run notebooks that the gallery offers for download, as Jupyter would: every cell, in order, in a kernel of its own.

    python docs/check_notebooks.py docs/auto_examples [NAME ...]

Without names all of them. A cell that fails ends it with the cell and its error.
"""

import argparse
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main():
    """Run the notebooks given; the exit status says whether there were any."""
    parser = argparse.ArgumentParser(description="Run notebooks that the gallery offers for download.")
    parser.add_argument("folder", type=Path, help="where they are, such as docs/auto_examples")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of examples, such as plot_mask (default: all)")
    arguments = parser.parse_args()
    files = [arguments.folder / f"{name}.ipynb" for name in arguments.names] or sorted(arguments.folder.glob("*.ipynb"))
    for file in files:
        print(file.name, flush=True)
        NotebookClient(nbformat.read(file, as_version=4), timeout=600, kernel_name="python3").execute()
    return int(not files)


if __name__ == "__main__":
    sys.exit(main())
