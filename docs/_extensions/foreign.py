"""References into the documentation of other projects, which are plain text where their inventories cannot be had.

Any other reference without a target is a warning, so that none of our own is ever broken.
"""

PROJECTS = ("sklearn", "torch", "numpy", "scipy", "matplotlib", "PIL", "joblib", "dask", "distributed", "pandas")

# What the docstrings refer to that classes inherit from scikit-learn.
INHERITED = {
    "meta-estimator",
    "metadata_routing",
    "sphx_glr_auto_examples_miscellaneous_plot_set_output.py",
}


def is_foreign(app, domain, node):
    """Tell Sphinx, by True, that there is nothing to warn of."""
    target = node.get("reftarget", "")
    if target in INHERITED or target.split(".")[0] in PROJECTS:
        return True
    # The standard library and the words of numpydoc's types: `array-like`, `default`, `ndarray of shape (n,)`.
    return node.get("refdomain") == "py" and _of_the_standard_library(target)


def _of_the_standard_library(target):
    import builtins
    import sys

    first = target.split(".")[0]
    return hasattr(builtins, first) or first in sys.stdlib_module_names


def setup(app):
    """Ask it before warnings of missing references."""
    app.connect("warn-missing-reference", is_foreign)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
