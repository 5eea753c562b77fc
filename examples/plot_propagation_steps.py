"""
How does a picture come about?
==============================

A :class:`~skisp.StylePropagator` draws from coarse to fine: at each scale it puts patches of the style where the
photograph asks for them, and the next scale starts from what is there. Here one looks over its shoulder.
"""

# %%
# A picture at each scale
# -----------------------
# First the photograph takes on the colours of the style. Then it is drawn, small and then larger; large shapes such as
# the panes of this window are settled while the picture is small, and details after them. At the end it is brought to
# full contrast, and a little of the photograph is mixed in.
#
# Below stands which part of the style went where. Every place of the style has a colour, which the key at the right
# shows; the left map shows each pixel in the colour of the place that it was taken from. Patches that run on unbroken
# are pieces of the style that were copied whole; borders between them are where it was put together anew.

import matplotlib.pyplot as plt
import numpy as np

from skisp import StylePropagator
from skisp.datasets import load_photograph, make_style_image
from skisp.inspection import PropagationStepsDisplay

photograph = load_photograph("china", size=256)
style = make_style_image("stained_glass", size=photograph.shape[:2], random_state=0)
propagator = StylePropagator(style_images=style, random_state=0).fit([photograph])
display = PropagationStepsDisplay.from_estimator(propagator, photograph)

# %%
# Whole pieces, or a likeness
# ---------------------------
# ``content_weight`` says how strongly the photograph pulls. Without that pull, whole panes of the window stay together,
# and of the pagoda there is little left. The share of pixels that come from beside where their neighbour comes from
# tells the two apart.

without_pull = PropagationStepsDisplay.from_estimator(propagator.set_params(content_weight=0.0), photograph)


def share_together(sources):
    """Share of pixels that are copied together with the one to their left."""
    step = sources[:, 1:] - sources[:, :-1]
    return np.mean(np.abs(step - [0, 1]).max(axis=-1) <= 1)


for name, steps in {"content_weight=1": display, "content_weight=0": without_pull}.items():
    print(f"{name}: {share_together(steps.sources):.0%} of the pixels stay together")
plt.show()
