"""Draw a hand-in's matplotlib figures for less: the same picture, drawn once instead of twice.

Jupyter cuts away a figure's empty border. For that matplotlib draws the figure twice: once to measure it, once for the
picture. Here it is drawn once with a wide border, and the empty part of the picture is cut off afterwards. Figures with
something that may lie far outside are drawn the usual way.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BORDER = 1.0  # inches drawn around a figure
PAD = 0.1  # inches that stay around the content, as with matplotlib's „tight“


def _stays_near(figure: Figure) -> bool:
    """Return whether nothing can lie apart from the figure's area: all axes inside, no legend or free text, which may be anywhere."""
    inside = all(0 <= axes.get_position().min.min() and axes.get_position().max.max() <= 1 for axes in figure.axes)
    loose = [*figure.legends, *figure.texts, *(part for axes in figure.axes for part in (*axes.texts, *axes.artists, *axes.child_axes, axes.get_legend()) if part)]
    return inside and not loose


def picture(figure: Figure) -> bytes | None:
    """Return a figure as PNG without its empty border, None when it holds nothing."""
    from IPython.core.pylabtools import print_figure
    from matplotlib.transforms import Bbox
    from PIL import Image, ImageChops

    if not figure.axes and not figure.lines:
        return None
    if not _stays_near(figure):
        return print_figure(figure, bbox_inches="tight")
    width, height = figure.get_size_inches() + 2 * BORDER
    drawn, size = io.BytesIO(), (int(width * figure.dpi), int(height * figure.dpi))
    figure.canvas.print_figure(drawn, format="rgba", dpi=figure.dpi, facecolor=figure.get_facecolor(), edgecolor=figure.get_edgecolor(),
                               bbox_inches=Bbox.from_bounds(-BORDER, -BORDER, width, height))
    left = top = right = bottom = 0
    if drawn.tell() == 4 * size[0] * size[1]:
        image = Image.frombuffer("RGBA", size, drawn.getbuffer())
        empty = Image.new(image.mode, size, image.getpixel((0, 0)))
        left, top, right, bottom = ImageChops.difference(image, empty).getbbox(alpha_only=False) or (0, 0, 0, 0)
    pad = round(PAD * figure.dpi)
    if left < pad or top < pad or right > size[0] - pad or bottom > size[1] - pad:  # a label reaches too far, or nothing to see
        return print_figure(figure, bbox_inches="tight")
    saved = io.BytesIO()
    image.crop((left - pad, top - pad, right + pad, bottom + pad)).save(saved, "png")
    return saved.getvalue()


def prepare(shell: Any) -> None:
    """Let `shell` show figures by `picture`, and draw a first one, so that fonts and file formats are loaded.

    Later ones are drawn when their cell ends: nobody sees the drawings in between, which geopandas asks for at each
    layer. Does nothing where matplotlib is not loaded.
    """
    if "matplotlib.pyplot" not in sys.modules:
        return
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    FigureCanvasAgg.draw_idle = lambda self, *args, **kwargs: None
    figure, axes = plt.subplots()
    axes.set(title="Titel", xlabel="x", ylabel="y")
    picture(figure)
    plt.close(figure)
    shell.display_formatter.formatters["image/png"].for_type(Figure, picture)
