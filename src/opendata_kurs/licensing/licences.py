"""The licences themselves."""

from __future__ import annotations

import difflib
import json
import re
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
    """Return all licences the course knows, in the order of the table: recommended ones first."""
    return tuple(
        Licence(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}) for entry in _data()["licences"]
    )


def licence(id: str) -> Licence:
    """Return the licence with this id, for example `dl-de-by-2.0`.

    Ids are compared exactly. Raises UnknownLicenceError for any other spelling, also for None; the German message
    suggests the nearest id, found among ids, short and long names and addresses.
    """
    by_id = {entry.id: entry for entry in licences()}
    if isinstance(id, str) and id in by_id:
        return by_id[id]
    near = _nearest(str(id))
    hint = f" Meinten Sie „{near}“?" if near else ""
    raise UnknownLicenceError(f"Die Lizenz „{id}“ kennt der Kurs nicht.{hint} Alle Kennungen zeigt licensing.licences().")


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")


def _nearest(spelling: str) -> str | None:
    """Return the id whose id, name or address looks most like this spelling, or None if none does."""
    wanted = _key(spelling)
    if len(wanted) < 3:
        return None
    # „cc-by“ or „zero“: part of an id, word for word; the table's order decides
    for entry in licences():
        if f"-{wanted}-" in f"-{_key(entry.id)}-":
            return entry.id
    names = {_key(name): entry.id for entry in reversed(licences())
             for name in (entry.text_url, entry.uri, entry.uri and entry.uri.rsplit("licenses/")[-1], entry.name, entry.short, entry.id) if name}
    found = difflib.get_close_matches(wanted, names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


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
