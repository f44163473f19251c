"""The ready maps of the Einführungstag: nothing to write, only to look, tap and compare."""

from __future__ import annotations

from .maps import Map, MapError

MAPS = ("bahnhöfe", "wahl")


def tageskarte(name: str = "bahnhöfe") -> Map:
    """Return a ready map of Düsseldorf.

    Args:
        name: "bahnhöfe" (railway stations) or "wahl" (turnout of the council election 2020 by Stadtteil).

    Raises:
        MapError: no such map; the German message names the maps there are.
    """
    from .datasets import load_dataset
    from .maps import choropleth, join_by_key, points

    if name not in MAPS:
        raise MapError(f"Die Karte „{name}“ gibt es nicht. Es gibt: {', '.join(MAPS)}.")
    areas = load_dataset("duesseldorf-stadtteile")
    if name == "bahnhöfe":
        stations = load_dataset("bahnhoefe-nrw")
        attrs = stations.attrs
        stations = stations.sjoin(areas[["stadtteil", "geometry"]]).drop(columns="index_right").reset_index(drop=True)
        stations.attrs = attrs
        return points(
            stations, title="Bahnhöfe in Düsseldorf 2022", name="bahnhof", columns=["stadtteil"], label="Bahnhof",
            background=areas, height=680,
            description=f"{len(stations)} Bahnhöfe der Deutschen Bahn in Düsseldorf, Stand Dezember 2022. "
                        "Dünne Linien zeigen die Grenzen der 50 Stadtteile.")  # fmt: skip
    votes = load_dataset("duesseldorf-ratswahl-2020-stadtteile")
    joined = join_by_key(areas, votes[["stadtteil_nr", "wahlbeteiligung", "wahlberechtigte"]], on="stadtteil_nr", report=False)
    return choropleth(joined, "wahlbeteiligung", title="Wahlbeteiligung bei der Ratswahl 2020 in Düsseldorf", unit="Prozent",
                      name="stadtteil", columns=["wahlberechtigte"], height=720)
