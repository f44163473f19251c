"""The licences themselves."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


class UnknownLicenceError(KeyError):
    """There is no licence with this id; the message is German and suggests the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Licence:
    """One licence. Texts are German; None means: not known, or not stated in the licence.

    `open`, `attribution`, `change_notice`, `share_alike`, `commercial`, `modification` and `hvd` (fit for high-value
    datasets) are its properties, `duties` the parts of a credit line, `uri` the GovData vocabulary's address.
    `evidence` marks: V read in the named source, E general knowledge.
    """

    id: str
    name: str
    short: str
    uri: str | None
    text_url: str | None
    spdx: str | None
    status: str
    kind: str
    open: bool | None
    attribution: bool | None
    change_notice: bool | None
    share_alike: bool | None
    commercial: bool | None
    modification: bool | None
    hvd: bool | None
    duties: tuple[str, ...] = ()
    rule: str = ""
    covers: dict = field(default_factory=dict, hash=False)
    advice: str = ""
    evidence: tuple[str, ...] = ()


@cache
def _data() -> dict:
    return json.loads((Path(__file__).parent / "licences.json").read_text(encoding="utf-8"))


@cache
def licences() -> tuple[Licence, ...]:
    """Return all licences the course knows."""
    return tuple(
        Licence(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}) for entry in _data()["licences"]
    )


def licence(id: str) -> Licence:
    """Return the licence with this id, for example `dl-de-by-2.0`.

    Raises UnknownLicenceError with the nearest id.
    """
    by_id = {entry.id: entry for entry in licences()}
    if id in by_id:
        return by_id[id]
    near = difflib.get_close_matches(str(id).lower().replace("/", "-").replace(" ", "-"), by_id, n=1, cutoff=0.4)
    hint = f" Meinten Sie „{near[0]}“?" if near else ""
    raise UnknownLicenceError(f"Die Lizenz „{id}“ kennt der Kurs nicht.{hint} Alle Kennungen zeigt licensing.licences().")


def canonical(spelling: str | float | None) -> str | None:
    """Return the licence id for one of the spellings found in the Musterdatenkatalog, or None if it is not clear.

    An empty cell (None or NaN) is `keine-angabe`.
    """
    if spelling is None or spelling != spelling or not str(spelling).strip():
        return "keine-angabe"
    text = str(spelling).strip()
    for id_, spellings in _data()["spellings"].items():
        if text in spellings:
            return id_
    return next((entry.id for entry in licences() if text in (entry.id, entry.short, entry.name, entry.uri, entry.text_url)), None)
