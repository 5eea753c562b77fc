"""Configuration of Sphinx: pages, the reference from the docstrings, the gallery from the examples.

A build needs no network: formulas are MathML, nothing comes from elsewhere, and what would link to the documentation of
other projects is plain text where their inventories cannot be had.
"""

import logging
import sys
import warnings
from pathlib import Path

import skisp

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "skisp"
author = "The skisp developers"
copyright = "2026, The skisp developers"
release = version = skisp.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    # Our own, in _extensions:
    "changelog",
    "command",
    "figures",
    "foreign",
    "house",
    "mathml",
]
exclude_patterns = ["_build", "sg_execution_times.rst"]
templates_path = ["_templates"]
nitpicky = True
html_math_renderer = "mathml"

# The reference
autosummary_generate = True
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # the docstrings say the types
numpydoc_show_class_members = False
numpydoc_show_inherited_class_members = False

# Links to other projects
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "scipy": ("https://docs.scipy.org/doc/scipy", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
    "matplotlib": ("https://matplotlib.org/stable", None),
}
intersphinx_timeout = 10

# Pictures made by the code of the pages
plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 160)]  # sharp, though small enough in inches for words to be read on a phone
plot_pre_code = ""  # the code imports what it needs, so that it can be copied

# The gallery
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "doc_module": ("skisp",),
    "reference_url": {"skisp": None},
    "backreferences_dir": "generated/backreferences",
    "download_all_examples": False,
    "abort_on_example_error": True,
    "only_warn_on_example_error": False,
    "show_memory": False,
    "remove_config_comments": True,
    "matplotlib_animations": (True, "jshtml"),
    "reset_modules": ("matplotlib", "gallery_pictures.sharp"),
    "within_subsection_order": "gallery_order.position",
}

copybutton_exclude = ".linenos, .gp, .go"  # prompts and what is printed

html_theme = "pydata_sphinx_theme"
html_context = {"default_mode": "auto"}  # light or dark, as the reader has it
html_title = "skisp"
html_static_path = ["_static"]
html_css_files = ["skisp.css"]
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
# Pages that have none below them need no navigation at their side.
_SINGLE = (
    "index tasks app films install tutorial_rows tutorial_photographs command libraries cluster faq glossary "
    "references changes contributing"
)
html_sidebars = {page: [] for page in _SINGLE.split()}

warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


class _InventoriesMayBeMissing(logging.Filter):
    """Without a network there is nothing to link to elsewhere, which is no fault of the pages."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "failed to reach any of the inventories" not in str(record.msg)


logging.getLogger("sphinx.sphinx.ext.intersphinx").addFilter(_InventoriesMayBeMissing())
