"""The ten errors a beginner meets first are explained in German, and stay errors for nbgrader."""

import re

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from notebook_rules import MACHINE_PATH

# (cell source, words the German help must hold)
CASES = {
    "misspelled-name": ("stadtteile = 5\nstadteile", ["Name ist unbekannt", "Meinten Sie `stadtteile`?"]),
    "forgotten-import": ("pd.DataFrame()", ["import pandas as pd"]),
    "text-without-quotes": ("xyzbilk", ['"xyzbilk"']),
    "open-bracket": ("print((1 + 2)", ["Klammer fehlt", "Zeile 1"]),
    "open-quote": ('x = "Bilk', ["Anführungszeichen fehlt"]),
    "word-quotes": ("x = „Bilk“", ["gerade Anführungszeichen", "Word"]),
    "single-equals": ("if x = 3: pass", ["zwei Gleichheitszeichen"]),
    "indentation": ("x = 1\n  y = 2", ["Einrückung", "Zeile 2"]),
    "misspelled-column": ('import pandas as pd\ntabelle = pd.DataFrame({"einwohner": [1]})\ntabelle["einwoner"]', ["Meinten Sie die Spalte `einwohner`?", "tabelle.columns"]),
    "missing-file": ('open("gibtsnicht.csv")', ["Eine Datei fehlt", "gibtsnicht.csv", "load_dataset"]),
    "text-plus-number": ('"12" + 3', ["Text und Zahl gemischt"]),
    "column-in-round-brackets": ('x = [1]\nx("a")', ["keine Funktion", "eckigen Klammern"]),
    "missing-argument": ("len()", ["Angabe fehlt oder ist zu viel"]),
    "decimal-comma": ('float("12,5")', ["Das ist keine Zahl", "12.5 statt 12,5"]),
    "too-many-values": ("breite, laenge = 51,2, 6,8", ["Die Anzahl passt nicht", "braucht einen Punkt: 12.5"]),
    "unknown-join": ('import pandas as pd\ntabelle = pd.DataFrame({"k": [1]})\ntabelle.merge(tabelle, how="links", on="k")', ['how="links"', '"left"']),
    "name-like-a-tools-name": ("import builtins\nbuiltins.runfile = type('R', (), {'__module__': 'werkzeug'})()\nmunfile", ["Namen munfile noch nicht"]),
    "wrong-method": ('"Bilk".uper()', ["Meinten Sie `upper`?"]),
    "beyond-the-end": ("[1, 2][5]", ["Stelle gibt es nicht", "zählt ab 0"]),
    "divided-by-zero": ("1 / 0", ["Durch null geteilt"]),
    "missing-package": ("import pandass", ["Ein Paket fehlt", "pandass"]),
    "wrong-encoding": ('"Düsseldorf".encode("latin-1").decode("utf-8")', ["cp1252"]),
    "rare-error": ("import warnings\nwarnings.simplefilter('error')\nwarnings.warn('x')", ["Meldung ist selten", "Kernel neu starten"]),
}


@pytest.fixture(scope="module")
def executed():
    """Run all cases in one kernel; errors are kept as outputs."""
    cells = [new_code_cell("import opendata_kurs")]
    cells += [new_code_cell(source) for source, _ in CASES.values()]
    nb = new_notebook(cells=cells)
    NotebookClient(nb, allow_errors=True, kernel_name="python3", timeout=60).execute()
    return dict(zip(CASES, nb.cells[1:], strict=True))


@pytest.mark.parametrize("case", CASES)
def test_explained_in_german(executed, case):
    shown, error = executed[case].outputs[-2:]
    for words in CASES[case][1]:
        plain = words.replace("`", "")
        assert plain in shown.data["text/plain"], shown.data["text/plain"]
    assert "<details><summary>Ursprüngliche Meldung" in shown.data["text/html"]
    assert 'lang="de"' in shown.data["text/html"]
    # nbval, nbclient and nbgrader look for exactly this
    assert error.output_type == "error" and error.ename
    assert len(error.traceback) == 1 and error.traceback[0].startswith("Die Zelle wurde angehalten")


def test_names_of_tools_are_not_suggested(executed):
    assert "runfile" not in executed["name-like-a-tools-name"].outputs[-2].data["text/plain"]


def test_original_holds_no_machine_path_and_no_colour_codes(executed):
    html = executed["missing-package"].outputs[-2].data["text/html"]
    assert "ModuleNotFoundError" in html and "\x1b" not in html
    assert not MACHINE_PATH.search(html) and "/usr/lib" not in html


def test_original_is_pythons_own_and_names_the_cell(executed):
    html = executed["misspelled-column"].outputs[-2].data["text/html"]
    original = html.partition("<pre")[2].partition(">")[2].partition("</pre>")[0]
    first, _, rest = original.partition("\n")
    assert first == "Traceback (most recent call last):"
    assert re.search(r"^  Cell In\[\d+\], line 3$", rest, re.M) and "pandas/_libs/index.pyx" in rest and rest.endswith("KeyError: &#x27;einwoner&#x27;\n")
    assert "ipykernel" not in rest and "run_code" not in rest and "^" not in rest
    assert "_modified_open" not in executed["missing-file"].outputs[-2].data["text/html"], "IPython's own step"
    html = executed["open-bracket"].outputs[-2].data["text/html"]
    assert re.search(r"Cell In\[\d+\], line 1\n +print\(\(1 \+ 2\)\n +\^\n(Syntax|_IncompleteInput)Error: ", html)
    assert executed["open-bracket"].outputs[-1].traceback == ["Die Zelle wurde angehalten (SyntaxError). Die Erklärung steht darüber."]


@pytest.mark.parametrize("line", ["File /srv/Kurs mit Ümläuten/src/opendata_kurs/datasets.py:62, in metadata(slug)",
                                  'File "C:\\Eigene Dateien\\kurs\\datasets.py", line 3', "File ~/kurs/datasets.py:1"])
def test_folders_are_left_out_even_with_blanks(line):
    from opendata_kurs.errorhelp import _FOLDER

    left = _FOLDER.sub("", line)
    assert "datasets.py" in left and not any(word in left for word in ("srv", "Eigene", "kurs/", "kurs\\", "src"))


def test_html_of_a_learner_is_not_run():
    from opendata_kurs.errorhelp import explain, to_html

    html = to_html(explain(KeyError("<script>alert(1)</script>"), {}), "<img src=x onerror=alert(1)>")
    assert "<script>" not in html and "<img" not in html


def test_a_course_error_speaks_for_itself():
    from opendata_kurs.errorhelp import explain
    from opendata_kurs.lesson import StandError

    assert explain(StandError("Die Datei ist leer.")).text == "Die Datei ist leer."


def test_works_as_plain_script():
    """Outside IPython nothing is installed and nothing fails."""
    import subprocess
    import sys

    assert subprocess.run([sys.executable, "-c", "import opendata_kurs"], capture_output=True).returncode == 0

