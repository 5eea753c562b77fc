"""References into the documentation of other projects are plain text where their inventories cannot be had.

Any other reference without a target is a warning, so that none of our own is ever broken.
"""

import builtins
import sys

PROJECTS = ("sklearn", "torch", "numpy", "scipy", "matplotlib", "PIL", "joblib", "dask", "distributed", "pandas")

# What the docstrings refer to that classes inherit from scikit-learn.
INHERITED = {
    "meta-estimator",
    "metadata_routing",
    "df_output_transform",
    "sphx_glr_auto_examples_miscellaneous_plot_set_output.py",
}


def as_text(app, env, node, contnode):
    """What stands for a foreign reference that nothing else has resolved; None leaves it to be warned of."""
    return contnode if is_foreign(node["reftarget"], node.get("refdomain")) else None


def is_foreign(target, domain):
    """Whether another project defines the target; of builtins and the standard library for Python's names only."""
    first = target.split(".")[0]
    if target in INHERITED or first in PROJECTS:
        return True
    return domain == "py" and (hasattr(builtins, first) or first in sys.stdlib_module_names)


def setup(app):
    """Ask it after intersphinx, whose priority is 500."""
    app.connect("missing-reference", as_text, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
