"""Which licence fits? A path of questions with reasons, and a small table for comparing licences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .licences import licence, licences

QUESTIONS = ("Rechte anderer", "amtliches Werk", "nur Fakten", "Nennung nötig")


@dataclass(frozen=True)
class Recommendation:
    """Where the path ends: `licence` is an id, or None when rights must be cleared first; `steps` are the reasons."""

    licence: str | None
    steps: tuple[str, ...]


def _yes(answers: Mapping[str, str], question: str) -> bool:
    answer = str(answers.get(question, "")).strip().lower()
    if answer not in ("ja", "nein"):
        raise ValueError(f"Auf „{question}“ fehlt die Antwort „ja“ oder „nein“.")
    return answer == "ja"


def recommend_licence(answers: Mapping[str, str]) -> Recommendation:
    """Follow the decision path for a municipal dataset.

    Parameters: `answers` maps each of QUESTIONS to „ja“ or „nein“. Raises ValueError (German) for anything else.
    Source of the rules: §§ 2, 5 UrhG; § 4 (3) DNG; the recommendation of Open.NRW (zero for facts). No legal advice.
    """
    unknown = [question for question in answers if question not in QUESTIONS]
    if unknown:
        raise ValueError(f"Die Frage „{unknown[0]}“ gibt es nicht. Es gibt: {', '.join(QUESTIONS)}.")
    third, official, facts, name = (_yes(answers, question) for question in QUESTIONS)
    if third:
        return Recommendation(None, ("Andere haben Rechte an den Daten: zuerst eine Erlaubnis holen oder diesen Teil weglassen.",))
    steps = ["Niemand sonst hat Rechte an den Daten."]
    if official:
        steps.append("Amtliche Werke wie Satzungen sind frei (§ 5 Abs. 1 UrhG): kennzeichnen statt lizenzieren.")
        return Recommendation("amtliches-werk", tuple(steps))
    steps.append("Es ist kein amtliches Werk.")
    if facts:
        steps.append("Es sind nur Fakten: keine unnötigen Bedingungen (§ 4 Abs. 3 DNG).")
    else:
        steps.append("Es sind eigene Werke dabei, zum Beispiel Texte, Fotos oder Karten: Creative Commons benennt die Rechte genau.")
    steps.append("Die Nennung ist sachlich nötig." if name else "Die Nennung ist nicht nötig; freiwillig bleibt sie möglich.")
    if facts:
        return Recommendation("dl-de-by-2.0" if name else "dl-de-zero-2.0", tuple(steps))
    return Recommendation("cc-by-4.0" if name else "cc0-1.0", tuple(steps))


def decision_path(answers: Mapping[str, str]) -> None:
    """Print the way through the questions and where it ends; `answers` as in `recommend_licence`."""
    found = recommend_licence(answers)
    for number, step in enumerate(found.steps, 1):
        print(f"{number}. {step}")
    print("→ Noch keine Lizenz: erst die Rechte klären." if found.licence is None else f"→ {licence(found.licence).name}")


def licence_table(*ids: str):
    """Return licences side by side as a table with German headings; without `ids` all of them.

    Raises UnknownLicenceError for an unknown id.
    """
    import pandas as pd

    def word(value: bool | None) -> str:
        return "unklar" if value is None else "ja" if value else "nein"

    chosen = [licence(id_) for id_ in ids] if ids else list(licences())
    rows = [
        {
            "Lizenz": entry.short, "offen": word(entry.open), "Nennung": word(entry.attribution),
            "gleiche Bedingungen": word(entry.share_alike), "kommerziell": word(entry.commercial),
            "bearbeiten": word(entry.modification),
        }
        for entry in chosen
    ]
    return pd.DataFrame(rows, index=pd.Index([entry.id for entry in chosen], name="Kennung"))
