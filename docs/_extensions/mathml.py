"""Formulas as MathML, which browsers draw by themselves: no JavaScript, and nothing to fetch from elsewhere.

docutils translates the LaTeX. What it cannot translate is a warning with its place.
"""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)


def visit_inline(writer, node):
    """A formula in a line."""
    writer.body.append(f'<span class="math">{_mathml(node, as_block=False)}</span>')
    raise nodes.SkipNode


def visit_block(writer, node):
    """A formula on lines of its own, with its number if it has one."""
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, "Link to this equation")
        writer.body.append("</span>")
    writer.body.append(_mathml(node, as_block=True) + "</div>\n")
    raise nodes.SkipNode


def _mathml(node, as_block):
    latex = _known(node.astext().strip()) if as_block else node.astext()
    try:
        return tex2mathml(latex, as_block=as_block)
    except MathError as error:
        logger.warning("formula not understood: %s: %s", error, latex, location=node)
        return f"<code>{nodes.unescape(latex)}</code>"


def _known(latex):
    """A formula on several lines, in what docutils knows of the environments for it."""
    latex = re.sub(r"\\(begin|end)\{(?:split|align\*?)\}", r"\\\1{aligned}", latex)
    return re.sub(r"\n\s*\n", r" \\\\ ", latex)


def setup(app):
    """Make it the way formulas are written in HTML."""
    app.add_html_math_renderer("mathml", inline_renderers=(visit_inline, None), block_renderers=(visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
