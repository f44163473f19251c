"""A branching conversation, written as YAML and shown as plain HTML.

Each answer is a `<details>` element that opens the other side's reaction and the next answers. That needs neither a
script nor a running kernel: it works with the keyboard, on a phone, on the website and in print.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from .paths import course_dir

_STYLE = (
    "<style>.odk-dialog{color-scheme:light;background:#fff;color:#1b1b1b;max-width:46rem;line-height:1.5;padding:.5rem 1rem;"
    "border:1px solid #767676;border-radius:.4rem}.odk-dialog details{margin:.4rem 0 .4rem .6rem;padding-left:.6rem;border-left:3px solid #0b57d0}"
    ".odk-dialog summary{cursor:pointer;padding:.3rem 0;min-height:1.5rem}.odk-dialog summary:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}"
    ".odk-dialog p{margin:.3rem 0}.odk-dialog .ende{background:#eef4ff;padding:.3rem .6rem}</style>"
)


class DialogueError(ValueError):
    """A conversation file is missing or wrong; the message is a German sentence."""


def load(path: Path) -> dict:
    """Read and check a conversation file.

    Format: `titel`, `person`, `start` (id) and `schritte`: per id either `sagt` with `antworten` (list of `sie`, `dann`, optional
    `folge`: what this answer does) or `ende` (text) with `art` (zusage, teilweise, nein-mit-grund, abbruch).
    Raises DialogueError when a step is missing, unreachable, or the conversation runs in a circle.
    """
    import yaml

    try:
        talk = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise DialogueError(f"Das Gespräch „{path.stem}“ gibt es nicht.") from None
    steps, seen = talk["schritte"], set()

    def walk(id_: str, way: tuple[str, ...]) -> None:
        if id_ not in steps:
            raise DialogueError(f"{path.name}: Der Schritt „{id_}“ fehlt.")
        if id_ in way:
            raise DialogueError(f"{path.name}: Das Gespräch läuft im Kreis: {' → '.join([*way, id_])}")
        seen.add(id_)
        for answer in steps[id_].get("antworten", []):
            walk(answer["dann"], (*way, id_))

    walk(talk["start"], ())
    if unused := set(steps) - seen:
        raise DialogueError(f"{path.name}: Diese Schritte erreicht niemand: {', '.join(sorted(unused))}")
    return talk


def _step(talk: dict, id_: str) -> str:
    step = talk["schritte"][id_]
    if "ende" in step:
        return f'<p class="ende"><strong>Ende des Gesprächs.</strong> {escape(step["ende"])}</p>'
    html = [f"<p><strong>{escape(talk['person'])}:</strong> „{escape(step['sagt'])}“</p><p>Was antworten Sie?</p>"]
    for answer in step["antworten"]:
        effect = f"<p><em>{escape(answer['folge'])}</em></p>" if answer.get("folge") else ""
        html.append(f"<details><summary>„{escape(answer['sie'])}“</summary>{effect}{_step(talk, answer['dann'])}</details>")
    return "".join(html)


def to_html(talk: dict) -> str:
    """Return the whole conversation as HTML; every answer is folded."""
    return f'{_STYLE}<section class="odk-dialog" lang="de" aria-label="Gespräch: {escape(talk["titel"])}">{_step(talk, talk["start"])}</section>'


class _Shown:
    def __init__(self, talk: dict):
        self.talk = talk

    def _repr_mimebundle_(self, **_):
        return {"text/html": to_html(self.talk), "text/plain": f"Gespräch: {self.talk['titel']}"}


def gespraech(name: str) -> _Shown:
    """Show the conversation `course/<chapter>/gespraeche/<name>.yml`.

    Raises DialogueError with a German sentence when there is none of this name.
    """
    found = sorted(course_dir().glob(f"*/gespraeche/{name}.yml"))
    if not found:
        known = ", ".join(sorted(p.stem for p in course_dir().glob("*/gespraeche/*.yml"))) or "keine"
        raise DialogueError(f"Das Gespräch „{name}“ gibt es nicht. Vorhanden sind: {known}.")
    return _Shown(load(found[0]))
