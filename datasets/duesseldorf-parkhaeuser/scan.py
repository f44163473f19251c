"""Draw the picture of a scanned list for lesson 2 from the finished table (no raw files needed)."""

import argparse
import csv
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parents[1] / "course" / "01_was_ist_open_data" / "bilder" / "parkhaeuser-scan.png"
COLUMNS = {"satz_nr": (30, "Nr."), "parkhaus": (80, "Parkhaus"), "zufahrt": (360, "Zufahrt"), "plz": (570, "PLZ"), "stadtteil": (650, "Stadtteil")}


def draw() -> Image.Image:
    """Return a slightly crooked, grey page with the ten car parks."""
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    plain = ImageFont.truetype(str(fonts / "DejaVuSerif.ttf"), 17)
    bold = ImageFont.truetype(str(fonts / "DejaVuSerif-Bold.ttf"), 19)
    page = Image.new("L", (820, 500), 238)
    pen = ImageDraw.Draw(page)
    pen.text((30, 25), "Parkhäuser in Düsseldorf (Auszug)", 45, font=bold)
    pen.line((30, 95, 790, 95), 80, 2)
    rows = list(csv.DictReader((HERE / "duesseldorf-parkhaeuser.csv").open(encoding="utf-8", newline="")))
    for number, row in enumerate([{name: title for name, (_, title) in COLUMNS.items()}, *rows]):
        for name, (x, _) in COLUMNS.items():
            pen.text((x, 68 + 34 * number), row[name], 60, font=plain)
    page = page.rotate(-1.2, resample=Image.Resampling.BICUBIC, fillcolor=205)
    dust = np.random.default_rng(7).integers(0, 820 * 500, 260)
    grey = np.asarray(page).copy()
    grey.ravel()[dust] = 110
    return Image.fromarray(grey // 16 * 17)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Bild der eingescannten Liste zeichnen.")
    parser.add_argument("--out", type=Path, default=PICTURE, help="andere Bilddatei")
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    draw().save(out, optimize=True)
