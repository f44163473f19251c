"""Bicycle counts at the Promenade in Münster, July 2025, each quarter of an hour."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, german, main

TOWARDS_MAURITZTOR, TOWARDS_SALZSTRASSE = ("101", "103", "105"), ("102", "104", "106")


def build(job: Job) -> None:
    """Add up the channels per direction and give the local time its offset."""
    raw = job.read_csv("muenster/radzaehlung_promenade_2025-07.csv")
    channels = {name[:3]: raw[name].astype(int) for name in raw.columns[1:8]}
    status = raw[[name for name in raw.columns if name.endswith("-status")]]
    if not (status == "0").all(axis=None):
        raise ValueError("a counter reports a fault")
    # July has no change of clocks, so localising never meets a missing or doubled hour.
    time = pd.to_datetime(raw["Datetime"], format="%Y-%m-%d %H:%M").dt.tz_localize("Europe/Berlin")
    frame = pd.DataFrame(
        {
            "zeit": time.map(lambda moment: moment.isoformat()),
            "anzahl": channels["100"],
            "richtung_mauritztor": sum(channels[c] for c in TOWARDS_MAURITZTOR),
            "richtung_salzstrasse": sum(channels[c] for c in TOWARDS_SALZSTRASSE),
        }
    )
    if not (frame["anzahl"] == frame["richtung_mauritztor"] + frame["richtung_salzstrasse"]).all():
        raise ValueError("the channels do not add up to the total")
    job.changed(
        f"{german(len(frame))} Viertelstunden übernommen. Zeitpunkte nach ISO 8601 mit Zeitzone geschrieben (+02:00, Sommerzeit)."
    )
    job.changed(
        "Sechs Kanäle zu zwei Richtungen addiert. In jeder Zeile ergeben beide Richtungen die Gesamtzahl."
    )
    job.changed(f"{status.shape[1]} Statusspalten weggelassen: Sie enthalten immer 0 (keine Störung).")
    job.write_csv(frame)


if __name__ == "__main__":
    main(__file__, build)
