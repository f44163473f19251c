"""German lines for the trainer: what a hand-in tried that the box, the limits or the second process stopped.

Only what is known is told. What a cell reports comes from the learner's process and is treated as foreign text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from . import box, cleaning, zygote

MAX_LINES = 12
TOO_MUCH = "Die Ausgabe ist hier gekürzt"
TAMPERED = ("Die Abgabe hat die Prüfungen im Notebook umgebaut: Eine Kontrolle, die dort scheitern muss, ist nicht gescheitert."
            " Gezählt haben nur die Prüfungen im zweiten Prozess. Eine Person sieht sich die Abgabe an.")
UNRELIABLE = "Die Kontrolle dieser Prüfung ist nicht gescheitert, obwohl sie muss. Das Ergebnis ist nicht verlässlich. Eine Person prüft es von Hand."
SCRIPT_OUT = "Aus einer Ausgabe wurden Skripte entfernt, bevor jemand sie ansieht."

_PATH = re.compile(r"'(/[^']{1,300})'")
_NO_NET = "wollte eine Verbindung ins Netz öffnen. Beim Bewerten gibt es kein Netz."
_FORBIDDEN = "wollte etwas tun, das die Abschottung verbietet. Es wurde verhindert."
_MEMORY = "wollte mehr Arbeitsspeicher, als erlaubt ist. Sie wurde abgebrochen."
_END = "wollte das Notebook beenden. Das wurde nicht ausgeführt."
_ERRNO: dict[int, str] = {
    -2: _NO_NET, -3: _NO_NET, 99: _NO_NET, 101: _NO_NET, 113: _NO_NET, 12: _MEMORY, 1: _FORBIDDEN, 13: _FORBIDDEN, 30: _FORBIDDEN,
    11: "wollte mehr Programme starten, als erlaubt sind. Das wurde verhindert.",
    27: f"wollte eine Datei mit mehr als {box.DEFAULT_LIMITS['FSIZE'] >> 20} MB schreiben. Das wurde verhindert.",
    28: "wollte mehr in den Zwischenordner schreiben, als erlaubt ist. Das wurde verhindert.",
}
_NAMES = {"MemoryError": _MEMORY, "SystemExit": _END, "gaierror": _NO_NET, "URLError": _NO_NET, "CKANTimeout": _NO_NET,
          "CellTimeoutError": "lief länger als erlaubt und wurde angehalten."}
_OUR_PACKAGES = {name.partition(".")[0] for name in (*zygote.BASE, *(n for group in zygote.GROUPS.values() for n in group))} | {"IPython", "nbgrader"}


def shown(text: Any, most: int = 80) -> str:
    """Return foreign text fit for a line in a terminal or on a page: printable characters only, not too long."""
    clean = "".join(c if c.isprintable() else "�" for c in str(text))
    return clean if len(clean) <= most else f"{clean[:most]}…"


def of_error(name: str, message: str) -> str:
    """Return what a cell's error tells about the box (the rest of a sentence), or an empty text."""
    found = re.search(r"\[Errno (-?\d+)\]", message)
    number = int(found[1]) if found else None
    path = _PATH.search(message)
    if path and number in (1, 13, 30):
        return f"wollte auf {shown(path[1])} zugreifen. Die Abschottung hat das verhindert."
    if path and number == 2 and not path[1].startswith((f"{box.INSIDE}/", "/tmp/home")):
        return f"wollte die Datei {shown(path[1])} benutzen. Außerhalb des eigenen Ordners gibt es beim Bewerten keine."
    if number in _ERRNO:
        return _ERRNO[number]
    if name == "OperationalError" and re.search("unable to open|readonly", message):
        return "wollte eine Datenbank öffnen. Außerhalb des eigenen Ordners gibt es beim Bewerten keine."
    return _END if "ask_exit" in message else _NAMES.get(name, "")


def of_cell(who: str, outputs: Iterable[dict], is_solution: bool) -> Iterable[str]:
    """Yield the lines on one learner's cell; `who` names it at the beginning of a sentence."""
    for output in outputs:
        kind = output.get("output_type")
        if kind == "error":
            name, message = str(output.get("ename", "")), str(output.get("evalue", ""))[:2000]
            known = of_error(name, message)
            if known:
                yield f"{who} {known}"
            elif is_solution:
                yield f"{who} brach mit einem Fehler ab ({shown(name, 40)})."
        elif kind == "stream" and TOO_MUCH in str(output.get("text", "")):
            yield f"{who} hat zu viel ausgegeben. Die Ausgabe ist gekürzt."
        elif isinstance(data := output.get("data"), dict):
            html = data.get("text/html")
            if isinstance(html, str) and len(html) < cleaning.MAX_FRAME and cleaning.frame_of(html) is None and cleaning.SCRIPT.search(html):
                yield SCRIPT_OUT


def planted(names: Iterable[str]) -> list[str]:
    """Return which files of a hand-in carry the name of a package that checks use; they are never imported there."""
    first = {name.partition("/")[0].removesuffix(".py") for name in names if "/" in name or name.endswith(".py")}
    found = sorted(first & (set(sys.stdlib_module_names) | _OUR_PACKAGES))
    return [f"Die Abgabe enthält eigenen Programmcode mit dem Namen eines Pakets ({', '.join(found[:5])}). Die Prüfungen benutzen ihn nicht."] if found else []


def lines(run: Any, cells: list[tuple[int, str, bool]], files: Iterable[str], name_of: Callable[[str], str]) -> list[str]:
    """Return the lines on one run of a learner's code.

    `cells` holds number, grade_id (or empty) and whether it is a solution cell; `name_of` names a grade_id.
    """
    found = planted(files)
    for number, grade_id, is_solution in cells:
        found += of_cell(name_of(grade_id) if grade_id else "Eine Zelle", run.outputs.get(number, []), is_solution)
    for name, kind in run.own.items():
        found.append(f"„{shown(name, 40)}“ ist ein eigenes Objekt der Abgabe (Klasse {shown(kind, 40)}). Geprüft wurde nur der Wert darin.")
    if run.left:
        found.append(f"Am Ende liefen noch Programme, die die Abgabe gestartet hat ({run.left}). Sie wurden beendet.")
    return list(dict.fromkeys(found))[:MAX_LINES]
