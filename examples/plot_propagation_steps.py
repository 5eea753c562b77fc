"""
How does a picture come about?
==============================

A :class:`~skisp.StylePropagator` works on a pyramid, from coarse to fine: at each level it searches for the patches of
the style that fit the photograph, and the next level starts from the result. This example shows every level.
"""

# %%
# A picture at each pyramid level
# -------------------------------
# First the photograph is given the colours of the style: the recoloured content. Then the picture is synthesised, first
# small, then larger and larger. Large shapes, such as the panes of this window, are decided while the picture is small,
# and details later. At the finest level new patches are generated. At the end a little of the recoloured content is
# mixed in, and the picture gets the contrast of the style.
#
# The lower row shows which part of the style went where. Every place of the style has a colour, shown in the key on the
# right; the map on the left shows each pixel in the colour of the place from which it was taken. Areas of smoothly
# changing colour are pieces of the style that were copied whole; at their borders different pieces meet.

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
# ``content_weight`` says how much the photograph counts in the search. If it is 0, whole panes of the window stay
# together, and little is left of the pagoda. The share of pixels that were copied together with their neighbour shows
# the difference.

free = PropagationStepsDisplay.from_estimator(propagator.set_params(content_weight=0.0), photograph)


def share_together(sources):
    """Share of pixels that are copied together with the one to their left."""
    step = sources[:, 1:] - sources[:, :-1]
    return np.mean(np.abs(step - [0, 1]).max(axis=-1) <= 1)


for name, steps in {"content_weight=1": display, "content_weight=0": free}.items():
    print(f"{name}: {share_together(steps.sources):.0%} of the pixels stay together")
plt.show()
