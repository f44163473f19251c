"""German explanations for the Python errors that beginners meet first.

`install(shell)` registers an IPython exception handler. A failing cell then shows a short explanation and what
to try, the original message folded below it, and an error output of one line. The error output stays an error:
nbval, nbclient and nbgrader still see that the cell failed.
"""

from __future__ import annotations

import builtins
import difflib
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# a folder's name may hold blanks; a path without a beginning (pandas/_libs/index.pyx) stays
_FOLDER = re.compile(r"(?<!\w)(?:[A-Za-z]:)?(?:[\\/][^\\/:'\"<>|*?\n]+)+[\\/](?=[^\\/\s:'\"]+\.py)")
_FRAME = re.compile(r'File "([^"]*)", line (\d+)(?:, in <module>)?')
_IPYTHON = re.compile(r"[\\/]IPython[\\/]core[\\/]")
_FORGOTTEN_IMPORTS = {"pd": "import pandas as pd", "gpd": "import geopandas as gpd", "plt": "import matplotlib.pyplot as plt"}


@dataclass(frozen=True)
class Help:
    """What a learner reads: `title` names the kind of error, `text` the likely cause, `tips` what to try."""

    title: str
    text: str
    tips: tuple[str, ...]


def _near(word: str, candidates) -> str | None:
    found = difflib.get_close_matches(str(word), [str(c) for c in candidates], n=1, cutoff=0.6)
    if not found:
        lower = {str(c).lower(): str(c) for c in candidates}
        found = [lower[str(word).lower()]] if str(word).lower() in lower else []
    return found[0] if found else None


def _name_error(error: NameError, names: dict) -> Help:
    name = getattr(error, "name", None) or re.search(r"'([^']*)'", str(error))[1]
    tips = []
    if name in _FORGOTTEN_IMPORTS:
        tips.append(f"Führen Sie zuerst die Zeile `{_FORGOTTEN_IMPORTS[name]}` aus.")
    else:
        # development tools add names of their own to the builtins; nobody means these
        own = [n for n, value in vars(builtins).items() if getattr(value, "__module__", "builtins") == "builtins"]
        known = [n for n in names if not n.startswith("_")] + own
        if near := _near(name, known):
            tips.append(f"Meinten Sie `{near}`? Prüfen Sie auch Groß- und Kleinschreibung.")
        tips.append("Führen Sie die Zellen von oben nach unten aus. Erst dann kennt Python alle Namen.")
        tips.append(f"Soll `{name}` ein Text sein? Dann gehört er in Anführungszeichen: \"{name}\".")
    return Help("Ein Name ist unbekannt", f"Python kennt den Namen `{name}` noch nicht.", tuple(tips))


def _syntax_error(error: SyntaxError, names: dict) -> Help:
    line = f" in Zeile {error.lineno}" if error.lineno else ""
    message = str(error.msg)
    if "was never closed" in message or "incomplete input" in message or "unexpected EOF" in message:
        return Help("Eine Klammer fehlt", f"Eine Klammer wurde{line} geöffnet, aber vermutlich nicht geschlossen.",
                    ("Zählen Sie die Klammern: Zu jeder öffnenden gehört eine schließende.",))
    if "unterminated string" in message:
        return Help("Ein Anführungszeichen fehlt", f"Ein Text beginnt{line}, aber er endet nicht.",
                    ('Setzen Sie am Ende des Textes dasselbe Zeichen wie am Anfang: "Text".',))
    if "invalid character" in message and any(q in message for q in "„“”‚‘’"):
        return Help("Falsche Anführungszeichen", f"Python versteht{line} nur gerade Anführungszeichen.",
                    ('Ersetzen Sie „ und “ durch ". Das passiert oft, wenn Text aus Word kommt.',))
    if "Perhaps you forgot a comma" in message:
        return Help("Ein Komma fehlt", f"Zwischen zwei Angaben fehlt{line} vermutlich ein Komma.",
                    ("Trennen Sie die Angaben mit einem Komma.", "Eine Zahl mit Nachkommastellen braucht einen Punkt: 12.5"))
    if "Maybe you meant '=='" in message:
        return Help("Ein Gleichheitszeichen zu wenig", "Zum Vergleichen braucht Python zwei Gleichheitszeichen: ==",
                    ("Schreiben Sie zum Beispiel `stadtteil == \"Bilk\"`.",))
    return Help("Die Schreibweise stimmt nicht", f"Python kann die Zelle{line} nicht lesen.",
                ("Sehen Sie sich die Zeile mit dem Pfeil ^ an. Oft steckt der Fehler kurz davor.",
                 "Häufig fehlen eine Klammer, ein Komma, ein Doppelpunkt oder ein Anführungszeichen."))


def _indentation_error(error: IndentationError, names: dict) -> Help:
    return Help("Die Einrückung stimmt nicht", f"Zeile {error.lineno} beginnt zu weit links oder zu weit rechts.",
                ("Löschen Sie die Leerzeichen am Anfang der Zeile.",
                 "Nach einem Doppelpunkt wird die nächste Zeile um vier Leerzeichen eingerückt."))


def _key_error(error: KeyError, names: dict) -> Help:
    key = error.args[0] if error.args else ""
    tables = {n: v for n, v in names.items() if hasattr(v, "columns") and not n.startswith("_")}
    columns = {str(c) for table in tables.values() for c in table.columns}
    tips = []
    if near := _near(key, columns):
        tips.append(f"Meinten Sie die Spalte `{near}`?")
    if tables:
        tips.append(f"Alle Spalten zeigt zum Beispiel `{next(iter(tables))}.columns`.")
    tips.append("Spaltennamen sind genau: Groß- und Kleinschreibung, Leerzeichen und Umlaute zählen.")
    return Help("Diese Spalte gibt es nicht", f"Die Spalte oder der Schlüssel `{key}` kommt in den Daten nicht vor.", tuple(tips))


def _file_not_found(error: FileNotFoundError, names: dict) -> Help:
    return Help("Eine Datei fehlt", f"Python findet die Datei `{error.filename or error}` nicht.",
                ("Prüfen Sie die Schreibweise und die Endung, zum Beispiel .csv.",
                 "Liegt die Datei im selben Ordner wie das Notebook?",
                 'Kursdaten öffnen Sie mit `load_dataset("kurzname")`. Dann ist kein Pfad nötig.'))


def _type_error(error: TypeError, names: dict) -> Help:
    message = str(error)
    if "concatenate str" in message or ("unsupported operand" in message and "str" in message):
        return Help("Text und Zahl gemischt", "Mit Text kann Python nicht rechnen.",
                    ("Steht die Zahl in Anführungszeichen? Dann ist sie Text. Entfernen Sie die Zeichen.",
                     "Bei Spalten hilft `pd.to_numeric(tabelle[\"spalte\"])`."))
    if "not callable" in message:
        return Help("Das ist keine Funktion", "Runde Klammern hinter einem Namen rufen eine Funktion auf. Hier steht keine Funktion.",
                    ("Eine Spalte steht in eckigen Klammern: tabelle[\"spalte\"].",))
    if "argument" in message:
        return Help("Eine Angabe fehlt oder ist zu viel", "Die Funktion hat nicht die Angaben bekommen, die sie braucht.",
                    ("Vergleichen Sie Ihre Zeile mit dem Beispiel in der Lektion.",))
    return Help("Das passt nicht zusammen", "Zwei Werte haben verschiedene Arten, zum Beispiel Text und Zahl.",
                ("`type(name)` zeigt, welche Art ein Wert hat.",))


def _value_error(error: ValueError, names: dict) -> Help:
    message = str(error)
    if found := re.search(r"could not convert string to float: '?([^']*)'?|Unable to parse string \"([^\"]*)\"", message):
        text = found[1] or found[2]
        return Help("Das ist keine Zahl", f"Python kann `{text}` nicht als Zahl lesen.",
                    ("Python schreibt Dezimalzahlen mit Punkt: 12.5 statt 12,5.",
                     "Tausenderpunkte und Einheiten gehören nicht in eine Zahl."))
    if "values to unpack" in message:
        return Help("Die Anzahl passt nicht", "Links und rechts vom Gleichheitszeichen stehen verschieden viele Werte.",
                    ("Zählen Sie die Namen links und die Werte rechts.",
                     "Eine Zahl mit Nachkommastellen braucht einen Punkt: 12.5. Ein Komma trennt zwei Werte."))
    if found := re.search(r"'([^']*)' is not a valid Merge type", message):
        return Help("Diese Art zu verknüpfen gibt es nicht", f"Python kennt `how=\"{found[1]}\"` nicht.",
                    ('Üblich sind "inner", "left", "right" und "outer". Schreiben Sie das Wort englisch und klein.',))
    return Help("Ein Wert passt nicht", "Die Art stimmt, aber der Wert selbst ist nicht erlaubt.",
                ("Lesen Sie die letzte Zeile der ursprünglichen Meldung. Dort steht der Wert.",))


def _attribute_error(error: AttributeError, names: dict) -> Help:
    name, owner = getattr(error, "name", None), getattr(error, "obj", None)
    tips = []
    if name and (near := _near(name, [n for n in dir(owner) if not n.startswith("_")])):
        tips.append(f"Meinten Sie `{near}`?")
    tips.append("Nach dem Punkt steht eine Fähigkeit oder eine Eigenschaft. Prüfen Sie die Schreibweise.")
    return Help("Diese Fähigkeit gibt es hier nicht", f"`{type(owner).__name__}` hat kein `{name}`.", tuple(tips))


def _index_error(error: IndexError, names: dict) -> Help:
    return Help("Die Stelle gibt es nicht", "Die Liste oder Tabelle ist kürzer, als die Zeile annimmt.",
                ("Python zählt ab 0. Bei 10 Zeilen ist die letzte Stelle die 9.", "`len(name)` zeigt, wie viele es sind."))


def _zero_division(error: ZeroDivisionError, names: dict) -> Help:
    return Help("Durch null geteilt", "Durch null lässt sich nicht teilen.",
                ("Prüfen Sie den Wert unter dem Bruchstrich. Fehlt dort eine Angabe?",))


def _module_not_found(error: ModuleNotFoundError, names: dict) -> Help:
    return Help("Ein Paket fehlt", f"Das Paket `{error.name}` ist hier nicht vorhanden.",
                ("Prüfen Sie die Schreibweise nach `import`.",
                 "Haben Sie den Kurs mit `./kurs start` geöffnet? Dann sind alle Pakete da."))


def _unicode_error(error: UnicodeDecodeError, names: dict) -> Help:
    return Help("Die Zeichenkodierung passt nicht", "Die Datei ist nicht als UTF-8 gespeichert. Umlaute sind dann unlesbar.",
                ('Ergänzen Sie beim Lesen `encoding="cp1252"`. So speichern viele Windows-Programme.',))


# first match wins, so subclasses stand before their parents
_HELPERS: tuple[tuple[type[BaseException], Callable[..., Help]], ...] = (
    (NameError, _name_error),
    (IndentationError, _indentation_error),
    (SyntaxError, _syntax_error),
    (KeyError, _key_error),
    (IndexError, _index_error),
    (FileNotFoundError, _file_not_found),
    (ModuleNotFoundError, _module_not_found),
    (UnicodeDecodeError, _unicode_error),
    (ZeroDivisionError, _zero_division),
    (AttributeError, _attribute_error),
    (TypeError, _type_error),
    (ValueError, _value_error),
)


def explain(error: BaseException, names: dict | None = None) -> Help:
    """Return the German help for an exception.

    `names` is the notebook's namespace; it is used to suggest similar names and columns. The course's own
    errors already carry a German sentence and are passed on unchanged.
    """
    if type(error).__module__.partition(".")[0] == "opendata_kurs":
        return Help("Hinweis des Kurses", str(error.args[0] if error.args else error), ())
    for kind, helper in _HELPERS:
        if isinstance(error, kind):
            return helper(error, names or {})
    return Help("Es ist ein Fehler aufgetreten", "Diese Meldung ist selten. Der Text unten nennt die Ursache auf Englisch.",
                ("Führen Sie im Menü „Kernel“ den Punkt „Kernel neu starten und alle Zellen ausführen“ aus.",
                 "Hilft das nicht, fragen Sie die Kursleitung und zeigen Sie ihr die Meldung."))


def _rich(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def to_html(help_: Help, original: str) -> str:
    """Return the help as HTML with the original message folded below it."""
    tips = "".join(f"<li>{_rich(t)}</li>" for t in help_.tips)
    return (
        '<div lang="de" style="color-scheme:light;background:#fff8e6;color:#1b1b1b;border-left:6px solid #8a5a00;'
        'padding:.6rem 1rem;max-width:46rem;line-height:1.5">'
        f'<p style="margin:0;font-weight:600">{_rich(help_.title)}</p>'
        f'<p style="margin:.3rem 0">{_rich(help_.text)}</p>'
        + (f'<p style="margin:.3rem 0 0">Das können Sie versuchen:</p><ul style="margin:.2rem 0 .4rem 1.4rem">{tips}</ul>' if tips else "")
        + f'<details><summary>Ursprüngliche Meldung von Python (Englisch)</summary><pre lang="en" tabindex="0" style="'
        f'overflow:auto;background:#fff;color:#1b1b1b">{escape(original)}</pre></details></div>'
    )


def to_text(help_: Help) -> str:
    """Return the help as plain text."""
    lines = [help_.title, help_.text.replace("`", ""), *(f"- {t.replace('`', '')}" for t in help_.tips)]
    return "\n".join(lines)


class _Shown:
    def __init__(self, help_: Help, original: str):
        self.help, self.original = help_, original

    def _repr_mimebundle_(self, **_):
        return {"text/html": to_html(self.help, self.original), "text/plain": to_text(self.help)}


def _original(shell, kind, error, trace) -> str:
    """Return Python's own report, without IPython's part of the way.

    IPython's report shows more of the code around each line, but reads through the libraries for it: the first error of
    a notebook took a second longer.
    """
    try:
        report = traceback.TracebackException(kind, error, None if isinstance(error, SyntaxError) else trace)
        _shorten(report)
        text = _FRAME.sub(lambda found: _cell_name(shell, found), "".join(report.format()))
    except Exception:  # help must never fail itself
        text = "".join(traceback.format_exception_only(kind, error))
    # folders differ from machine to machine and tell a learner nothing
    return _FOLDER.sub("", _ANSI.sub("", text))


def _shorten(report: traceback.TracebackException | None) -> None:
    """Leave out IPython's steps, and the marks below the lines, which each version of Python sets in another way."""
    if report is None:
        return
    report.stack = traceback.StackSummary.from_list([(step.filename, step.lineno, step.name, step.line) for step in report.stack
                                                     if not _IPYTHON.search(step.filename)])
    _shorten(report.__cause__)
    _shorten(report.__context__)


def _cell_name(shell, found: re.Match) -> str:
    """Name a cell as JupyterLab does ("Cell In[3]"); the file that IPython keeps it in has another name each time."""
    named = shell.compile.format_code_name(found[1])
    return f"{' '.join(named)}, line {found[2]}" if named else found[0]


def _handle(shell, kind, error, trace, tb_offset=None):
    if hasattr(error, "_render_traceback_"):  # the course's checks speak for themselves
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return None
    from IPython.display import display

    try:
        help_ = explain(error, {n: v for n, v in shell.user_ns.items() if n not in shell.user_ns_hidden})
    except Exception:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return None
    display(_Shown(help_, _original(shell, kind, error, trace)))
    # an error output of one line: the cell counts as failed, without a wall of text
    # (Python 3.13 has a _IncompleteInputError: the learner reads its public name, SyntaxError)
    name = next(base.__name__ for base in kind.__mro__ if not base.__name__.startswith("_"))
    shell._showtraceback(kind, error, [f"Die Zelle wurde angehalten ({name}). Die Erklärung steht darüber."])
    return None


def install(shell) -> None:
    """Show German help above the folded original traceback in the given IPython shell."""
    shell.set_custom_exc((Exception,), _handle)
