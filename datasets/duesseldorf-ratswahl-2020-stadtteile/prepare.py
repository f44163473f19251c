"""Council election 2020 by Stadtteil: polling places and postal districts summed, both kept visible."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _prepare import Job, main

FIRST = ["wahlberechtigte", "mit_wahlschein", "waehler", "ungueltig", "gueltig"]


def build(job: Job) -> None:
    for source in job.package["sources"]:
        job.raw(source["file"])
    districts = job.extract("duesseldorf-ratswahl-2020-stimmbezirke")
    parties = [f["name"] for f in job.package["resources"][0]["schema"]["fields"]][11:]
    by_area = districts.groupby("stadtteil_nr")
    # min_count: a party that stood nowhere in the Stadtteil stays empty instead of 0
    sums = by_area[FIRST + parties].sum(min_count=1)
    sums["stadtbezirk_nr"] = by_area["stadtbezirk_nr"].first()
    for kind in ("urne", "brief"):
        sums[f"waehler_{kind}"] = districts[districts["art"] == kind].groupby("stadtteil_nr")["waehler"].sum()
    names = job.read_csv(job.package["sources"][1]["file"], sep=";")[
        ["gebiet-ebene-3-nr", "gebiet-ebene-3-name"]
    ]
    names = names.drop_duplicates()
    sums["stadtteil"] = dict(
        zip(
            names["gebiet-ebene-3-nr"].str.zfill(3),
            names["gebiet-ebene-3-name"].str.split(n=1).str[1],
            strict=True,
        )
    )
    turnout = (sums["waehler"] / sums["wahlberechtigte"] * 100).round(1)
    sums["wahlbeteiligung"] = turnout.where(sums["waehler_brief"].notna())
    assert (sums[parties].sum(axis=1) == sums["gueltig"]).all()
    without = int(sums["waehler_brief"].isna().sum())
    extract = sums.reset_index()[[f["name"] for f in job.package["resources"][0]["schema"]["fields"]]]
    job.changed(f"{len(districts)} Bezirke auf {len(extract)} Stadtteile summiert, Urne und Brief zusammen.")
    job.changed("Wählende an der Urne und per Brief zusätzlich getrennt ausgewiesen.")
    job.changed(f"Wahlbeteiligung berechnet; {without} Stadtteil ohne eigenen Briefwahlbezirk bleibt leer.")
    job.changed("Der Name einer Einzelbewerbung ist entfernt, die Stimmen sind enthalten.")
    job.write_csv(extract)


if __name__ == "__main__":
    main(__file__, build)
