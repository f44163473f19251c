"""Delivery for exercises: real playgrounds of Münster with rebuilt defects."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main

HEADER = ["Nr", "Name", "Größe_qm", "Typ", "Bereich", "Ballspielplatz", "Streetball", "Latitude", "Longitude"]
BLANK_AFTER = (98, 187)  # rows after which a blank record stands, besides three at the end


def build(job: Job) -> None:
    """Write the clean extract as a department might send it: see `defects` in datapackage.json."""
    job.raw("muenster/spielplaetze-muenster_latin1.csv")
    frame = job.extract("muenster-spielplaetze")
    east, north = frame.geometry.x, frame.geometry.y
    columns = ["spielplatz_nr", "name", "groesse_m2", "typ", "bereich", "ballspielplatz", "streetball"]
    table = frame[columns].astype(object).fillna("").assign(latitude=east, longitude=north)
    blank = ";" * (len(HEADER) - 1)
    lines = [";".join(HEADER)]
    for number, (*cells, first, second) in enumerate(table.itertuples(index=False), start=1):
        size = int(cells[2]) if cells[2] != "" else ""
        lines.append(";".join(map(str, [*cells[:2], size, *cells[3:], f"{first:.6f}", f" {second:.6f}"])))
        if number in BLANK_AFTER:
            lines.append(blank)
    lines += [blank] * 3
    job.changed(f"{len(frame)} Spielplätze aus muenster-spielplaetze übernommen. Die Werte sind echt.")
    job.changed("Die Mängel unter „defects“ nachgebaut. Sie kommen so ähnlich in der Datei der Stadt vor.")
    job.write_bytes("".join(line + "\r\n" for line in lines).encode("iso-8859-1"), rows=len(lines) - 1)


if __name__ == "__main__":
    main(__file__, build)
