"""Delivery for exercises: real schools of Münster in Gauß-Krüger, with invented dates in four notations."""

import sys
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main

MONTHS = ["", "Januar", "Februar", "März", "April", "Mai", "Juni"]


def notation(day: date, kind: int) -> str:
    """Return an invented date in one of four notations."""
    match kind:
        case 0:
            return day.isoformat()
        case 1:
            return f"{day:%d.%m.%Y}"
        case 2:
            return f"{day.day}.{day.month}.{day:%y}"
        case _:
            return f"{day.day}. {MONTHS[day.month]} {day.year}"


def build(job: Job) -> None:
    """Write the schools as a department might send them: see `defects` in datapackage.json."""
    raw = job.read_csv("muenster/Schulen.csv", sep=";", encoding="utf-8-sig")
    lines = ["SchulNr;Name;Schulform;Rechtswert;Hochwert;Stand"]
    for number, row in enumerate(raw.itertuples()):
        # No randomness: days and notations only have to look mixed and be the same on each run.
        invented = date(2024, 1, 8) + timedelta(days=(number * 37) % 158)
        name = " ".join(row.NAME.split())
        lines.append(
            ";".join([row.LFDNR, name, row.SchoolType, row.X, row.Y, notation(invented, number * 7 % 4)])
        )
    job.changed(
        f"{len(raw)} Schulen mit den Koordinaten der Stadt übernommen. Name, Schulform und Lage sind echt."
    )
    job.changed(
        "Die Spalte Stand erfunden und die Mängel unter „defects“ nachgebaut. Die Internetseite fehlt."
    )
    job.write_bytes("".join(line + "\r\n" for line in lines).encode("utf-8"), rows=len(raw))


if __name__ == "__main__":
    main(__file__, build)
