"""Which licence may the result of two sources carry?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .licences import licence

PURPOSES = ("derived_database", "collective_database", "produced_work")

# licences that suit a work (map, chart, text); the publisher chooses
_FOR_WORKS = ("cc-by-4.0", "cc0-1.0", "dl-de-by-2.0", "dl-de-zero-2.0", "cc-by-sa-4.0")


@dataclass(frozen=True)
class Combination:
    """What follows when two sources come together.

    `licences`: ids of all licences the result may carry (for a collective database: the ids that stay with the parts;
    empty where none may). `licence`: the recommended one, None where none may carry the whole. `duties`: what is owed,
    `reason`: why, `note`: what to do; all German, `note` may be empty. `allowed`: the answer in a word or two („ja“,
    „ja, aber nicht offen“, „erst klären“, „nein“ …). `disputed`: opinions differ, so show it and do not grade it hard.
    """

    licences: tuple[str, ...]
    licence: str | None
    duties: tuple[str, ...]
    reason: str
    disputed: bool
    note: str = ""
    allowed: str = "ja"


@cache
def _rules() -> dict:
    return json.loads((Path(__file__).parent / "combinations.json").read_text(encoding="utf-8"))


@cache
def _class_of() -> dict[str, str]:
    return {id_: group["id"] for group in _rules()["classes"] for id_ in group["licences"]}


def _unique(items) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


_UNSETTLED = Combination((), None, (), "Dazu gibt es keine Quelle: nicht geklärt. Fragen Sie die Stelle, die die Daten bereitstellt.", True,
                         allowed="nicht geklärt")


def combine(a: str, b: str, purpose: str) -> Combination:
    """Return what two licences together allow; learning aid, no legal advice.

    Parameters: `a`, `b` licence ids (order does not matter); `purpose` one of PURPOSES: `derived_database` (one new
    database made from both), `collective_database` (unchanged side by side), `produced_work` (map, chart, text).
    Returns a Combination, always with a German reason. A derived database is never freer than its strictest source. A
    pair without a source answers "nicht geklärt" and is disputed.
    Raises UnknownLicenceError for an unknown id, ValueError for an unknown purpose.
    Source: texts of the licences, guidelines of the OpenStreetMap Foundation, § 2 and § 4 DNG; state and evidence stand
    in `combinations.json` and `licences.json`.
    """
    a, b = sorted((licence(a).id, licence(b).id))
    if purpose not in PURPOSES:
        raise ValueError(f"Den Zweck „{purpose}“ gibt es nicht. Erlaubt sind: {', '.join(PURPOSES)}.")
    first, second = _class_of().get(a), _class_of().get(b)
    if purpose == "derived_database":
        return _derived(first, second)
    table = _rules()[purpose]["per_class"]
    parts = [table.get(first), table.get(second)]
    if None in parts:
        return _UNSETTLED
    return _collective(a, b, parts) if purpose == "collective_database" else _work(a, b, parts)


def _derived(first: str | None, second: str | None) -> Combination:
    pair = next((p for p in _rules()["derived_database"] if sorted(p["classes"]) == sorted((first or "", second or ""))), None)
    if pair is None:
        return _UNSETTLED
    return Combination(tuple(pair["licences"]), pair["licence"], tuple(pair["duties"]), pair["reason"], pair["disputed"], pair["note"], pair["status"])


def _strictest(parts) -> str:
    order = ("ja", "ja, nur unverändert", "ja, aber nicht offen", "erst klären", "nein, nur mit Erlaubnis", "nein")
    return max((p["allowed"] for p in parts), key=order.index)


def _joined(parts) -> tuple[tuple[str, ...], str, bool]:
    duties = _unique(d for p in parts for d in p["duties"])
    return duties, " ".join(_unique(p["reason"] for p in parts)), any(p["disputed"] for p in parts)


def _collective(a: str, b: str, parts) -> Combination:
    duties, reason, disputed = _joined(parts)
    allowed = _strictest(parts)
    if allowed.startswith(("nein", "erst")):
        return Combination((), None, duties, reason, disputed, "Verlinken Sie die Quelle, statt sie mitzuliefern.", allowed)
    return Combination(_unique((a, b)), a if a == b else None, duties, f"Jeder Teil behält seine Lizenz. {reason}", disputed,
                       "Kennzeichnen Sie jeden Teil einzeln.", allowed)


def _work(a: str, b: str, parts) -> Combination:
    duties, reason, disputed = _joined(parts)
    allowed = _strictest(parts)
    if allowed.startswith(("nein", "erst")):
        return Combination((), None, duties, reason, disputed, allowed=allowed)
    if allowed == "ja, aber nicht offen" and "cc-by-sa-4.0" in (a, b):
        reason = f"Die Bedingungen widersprechen sich: Eine Quelle verlangt freie Weitergabe, die andere verbietet Geschäfte damit. {reason}"
        return Combination((), None, duties, reason, True, "Lassen Sie eine der Quellen weg, oder bitten Sie um eine Erlaubnis.", "erst klären")
    if allowed == "ja, aber nicht offen":
        return Combination(("cc-by-nc-4.0",), "cc-by-nc-4.0", duties, reason, disputed, "Das Werk ist nicht offen.", allowed)
    if "cc-by-sa-4.0" in (a, b):
        return Combination(("cc-by-sa-4.0",), "cc-by-sa-4.0", duties, reason, disputed, "Im Zweifel dieselbe Lizenz wählen.", allowed)
    return Combination(_FOR_WORKS, _FOR_WORKS[0], duties, reason, disputed, "Die Lizenz des Werks wählt, wer es herausgibt.", allowed)
