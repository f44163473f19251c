"""The attacks. A payload prints GELUNGEN only where it succeeded; all are harmless and capped."""

from __future__ import annotations

# run in the learner's solution cell; {root} trainer's folder, {home} trainer's home, {port} a listener, {socket} a unix socket
MACHINE = {
    "gradebook-schreiben": 'import sqlite3\nc = sqlite3.connect("file:{root}/gradebook.db?mode=rw", uri=True)\nc.execute("update grade set extra_credit = 0")\nc.commit()\nprint("GE" "LUNGEN")',
    "gradebook-loeschen": 'import os\nos.rename("{root}/gradebook.db", "{root}/weg.db")\nos.rename("{root}/weg.db", "{root}/gradebook.db")\nprint("GE" "LUNGEN")',
    "quelle-lesen": 'assert "LÖSUNG" in open("{root}/source/01_mini/uebung_01_mini.ipynb").read()\nprint("GE" "LUNGEN")',
    "versteckte-tests-lesen": 'import glob\nassert any("anzahl" ", 2" in open(f).read() for f in glob.glob("*.ipynb"))\nprint("GE" "LUNGEN")',
    "andere-lesen": 'open("{root}/submitted/nachbar/01_mini/uebung_01_mini.ipynb").read()\nprint("GE" "LUNGEN")',
    "andere-schreiben": 'open("{root}/submitted/nachbar/01_mini/uebung_01_mini.ipynb", "r+").close()\nprint("GE" "LUNGEN")',
    "umgebung": 'import glob, os\nfound = os.environ.get("GEHEIM_TOKEN")\nfor f in glob.glob("/proc/[0-9]*/environ"):\n    try:\n        found = found or b"GEHEIM_TOKEN" in open(f, "rb").read()\n'
                '    except OSError:\n        pass\nassert found\nprint("GE" "LUNGEN")',
    "netz": 'import socket\nsocket.create_connection(("127.0.0.1", {port}), 2)\nprint("GE" "LUNGEN")',
    "unix-socket": 'import socket\nsocket.socket(socket.AF_UNIX).connect("{socket}")\nprint("GE" "LUNGEN")',
    "startdatei": 'import os\nassert os.path.exists("{home}/zeichen")\nos.makedirs("{home}/.ipython/profile_default/startup", exist_ok=True)\nopen("{home}/.ipython/profile_default/startup/00-harmlos.py", "w").write("")\nprint("GE" "LUNGEN")',
    "konfiguration": 'open("{root}/nbgrader_config.py", "a").close()\nprint("GE" "LUNGEN")',
    "kurspaket-aendern": 'import opendata_kurs.checks as k\nopen(k.__file__, "a").close()\nprint("GE" "LUNGEN")',
    "datensatz-aendern": 'from opendata_kurs import paths\nopen(next(paths.datasets_dir().glob("*/datapackage.json")), "a").close()\nprint("GE" "LUNGEN")',
    "eltern-treffen": 'import os\nassert os.getppid() > 0\nos.kill(os.getppid(), 0)\nprint("GE" "LUNGEN")',
    "fremde-prozesse": 'import glob\nassert any(b"pytest" in open(f, "rb").read() for f in glob.glob("/proc/[0-9]*/cmdline"))\nprint("GE" "LUNGEN")',
    "forkbombe": 'import os, time\nn = 0\nfor _ in range(200):\n    pid = os.fork()\n    if pid == 0:\n        time.sleep(3)\n        os._exit(0)\n    n += 1\ntime.sleep(0.5)\nprint("GE" "LUNGEN")',
    "speicher-10-gb": 'import mmap\nx = mmap.mmap(-1, 10 << 30)\nprint("GE" "LUNGEN")',  # never touched, so nothing is really used
    "grosse-datei": 'f = open("gross.bin", "wb")\nf.seek(60 << 20)\nf.write(b"x")\nf.close()\nprint("GE" "LUNGEN")',
    "ausgabe-ohne-ende": 'for _ in range(3000):\n    print("x" * 1000)\nprint("GE" "LUNGEN")',
    "neuer-namensraum": 'import os\nos.unshare(os.CLONE_NEWUSER) if hasattr(os, "unshare") else __import__("ctypes").CDLL(None).unshare(0x10000000) and 1/0\nprint("GE" "LUNGEN")',
    "eltern-adoptieren": 'import subprocess\np = subprocess.Popen(["sleep", "{sleep}"], start_new_session=True)\nanzahl = 0',  # seen from outside: is it still there?
}

# points without an answer: succeed where tests share the learner's interpreter
POINTS = {
    "check-ueberschrieben": "import opendata_kurs.checks as k\nk.check_number = lambda *a, **b: None\nanzahl = 0",
    "eingabe-umgeformt": "get_ipython().input_transformers_post.append(lambda lines: [])",
    "ast-ausgetauscht": "ip = get_ipython()\nasync def nichts(*a, **k):\n    return False\nip.run_ast_nodes = nichts",
    "immer-gleich": "class Ja(int):\n    def __eq__(self, o): return True\n    def __sub__(self, o): return 0\n    def __rsub__(self, o): return 0\n    def __lt__(self, o): return False\n"
                    "    def __gt__(self, o): return False\n    def __float__(self): return 2.0\n    def is_integer(self): return True\n    __hash__ = int.__hash__\nanzahl = Ja(1)",
    "sys-modules": "import sys, types\nm = types.ModuleType('opendata_kurs.checks')\nm.check_number = m.check_text = lambda *a, **k: None\nsys.modules['opendata_kurs.checks'] = m\nanzahl = 0",
    "keine-fehler-zeigen": "import opendata_kurs.checks as k\nk._fail = lambda *a, **b: None\nanzahl = 0",
    "asserts-aus": "import builtins, opendata_kurs.checks as k\nk._same = lambda *a, **b: True\nanzahl = 0",
}
PLANTED = "class _Alles:\n    def __getattr__(self, n): return lambda *a, **k: None\n" \
          "check_number = check_text = quiz = abgabe = pruefen = grade_quiz = lambda *a, **k: None\n"

# the kernel does not come back
STOP = {
    "endlos": "while True:\n    pass",
    "endlos-trotzig": "import time\nwhile True:\n    try:\n        while True:\n            time.sleep(0.05)\n    except BaseException:\n        pass",
    "os-exit": "import os\nos._exit(0)",
    "sys-exit": "import sys\nsys.exit(0)",
    "eigenes-ende": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
}
XSS = "<script>document.title = 'GELUNGEN'</script><img src=x onerror=\"document.title='GELUNGEN'\">"
