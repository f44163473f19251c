"""The attacks. A payload prints GELUNGEN only where it succeeded; all are harmless and capped."""

from __future__ import annotations

_CALL = ('import ctypes, os, platform\ncall = lambda name, *a: getattr(ctypes.CDLL(None, use_errno=True), name)(*a)\n'
         'KEYCTL = 219 if platform.machine() == "aarch64" else 250\n')
# run in the learner's solution cell; {root} trainer's folder, {home} trainer's home, {port} a listener, {socket} a unix socket,
# {abstract} the name of an abstract one, {scratch} another hand-in's working folder
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
    # a process that ends while the list is read is no reason to give up
    "fremde-prozesse": 'import glob\nfound = False\nfor f in glob.glob("/proc/[0-9]*/cmdline"):\n    try:\n        found = found or b"{foreign}" in open(f, "rb").read()\n'
                       '    except OSError:\n        pass\nassert found\nprint("GE" "LUNGEN")',
    "forkbombe": 'import os, time\nn = 0\nfor _ in range(200):\n    pid = os.fork()\n    if pid == 0:\n        time.sleep(3)\n        os._exit(0)\n    n += 1\ntime.sleep(0.5)\nprint("GE" "LUNGEN")',
    "speicher-10-gb": 'import mmap\nx = mmap.mmap(-1, 10 << 30)\nprint("GE" "LUNGEN")',  # never touched, so nothing is really used
    "grosse-datei": 'f = open("gross.bin", "wb")\nf.seek(60 << 20)\nf.write(b"x")\nf.close()\nprint("GE" "LUNGEN")',
    "ausgabe-ohne-ende": 'for _ in range(3000):\n    print("x" * 1000)\nprint("GE" "LUNGEN")',
    "neuer-namensraum": _CALL + 'if os.fork() == 0:\n    os._exit(call("unshare", 0x10000000) != 0)\nif os.wait()[1]:\n    raise PermissionError(1, "unshare")\nprint("GE" "LUNGEN")',
    "abstrakter-socket": 'import socket\nsocket.socket(socket.AF_UNIX).connect("\\0{abstract}")\nprint("GE" "LUNGEN")',
    "arbeitsordner-des-nachbarn": 'open("{scratch}/arbeit/abgabe.json").read()\nprint("GE" "LUNGEN")',
    "verfolgen": _CALL + 'import signal\npid = os.fork()\nif pid == 0:\n    signal.pause()\ndone = call("ptrace", 16, pid, 0, 0)\nos.kill(pid, 9)\nif done:\n    raise PermissionError(1, "ptrace")\nprint("GE" "LUNGEN")',
    "schluesselbund": _CALL + 'if call("syscall", KEYCTL, 0, -3, 0) < 0:\n    raise PermissionError(1, "keyctl")\nprint("GE" "LUNGEN")',
    "speicher-ohne-datei": 'import os\nf = os.memfd_create("x")\nos.write(f, b"1" * 1000)\nprint("GE" "LUNGEN")',
    "speicher-system-v": _CALL + 'i = call("shmget", 0, ctypes.c_size_t(4096), 0o1600)\nif i < 0:\n    raise PermissionError(1, "shmget")\ncall("shmctl", i, 0, None)\nprint("GE" "LUNGEN")',
    # reserved, not written: 360 MB that the disk has to keep free
    "platte-fuellen": 'import os, time\nfor n in range(9):\n    with open(f"voll-{n}", "wb") as f:\n        os.posix_fallocate(f.fileno(), 0, 40 << 20)\ntime.sleep(1.5)\n'
                      'for n in range(9):\n    os.remove(f"voll-{n}")\nprint("GE" "LUNGEN")',
    "viele-dateien": 'import os, time\nos.mkdir("viele")\nfor n in range(3500):\n    open(f"viele/{n}", "w").close()\ntime.sleep(1.5)\nfor n in range(3500):\n    os.remove(f"viele/{n}")\nos.rmdir("viele")\nprint("GE" "LUNGEN")',
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

# what the trainer reads about each of them
FILE, GIVES_UP, FORBIDDEN = r"wollte die Datei /.+? benutzen", r"Zelle „anzahl“ brach mit einem Fehler ab \(%s\)", "wollte etwas tun, das die Abschottung verbietet"
MACHINE_LINES = {
    "gradebook-schreiben": "wollte eine Datenbank öffnen", "gradebook-loeschen": FILE, "quelle-lesen": FILE, "versteckte-tests-lesen": GIVES_UP % "AssertionError",
    "andere-lesen": FILE, "andere-schreiben": FILE, "umgebung": GIVES_UP % "AssertionError", "netz": f"{FORBIDDEN}|wollte eine Verbindung ins Netz",
    "unix-socket": GIVES_UP % "FileNotFoundError", "startdatei": GIVES_UP % "AssertionError", "konfiguration": FILE,
    "kurspaket-aendern": r"wollte auf /.+? zugreifen. Die Abschottung", "datensatz-aendern": r"wollte auf /.+? zugreifen. Die Abschottung",
    "eltern-treffen": GIVES_UP % "AssertionError", "fremde-prozesse": GIVES_UP % "AssertionError",
    "forkbombe": "sehr viele Programme gestartet|wollte mehr Programme starten", "speicher-10-gb": "wollte mehr Arbeitsspeicher",
    "grosse-datei": "wollte eine Datei mit mehr als 50 MB schreiben", "ausgabe-ohne-ende": "hat zu viel ausgegeben", "neuer-namensraum": FORBIDDEN,
    "abstrakter-socket": GIVES_UP % "ConnectionRefusedError", "arbeitsordner-des-nachbarn": FILE, "verfolgen": FORBIDDEN, "schluesselbund": FORBIDDEN,
    "speicher-ohne-datei": FORBIDDEN, "speicher-system-v": FORBIDDEN, "platte-fuellen": "zu viele oder zu große Dateien", "viele-dateien": "zu viele oder zu große Dateien",
    "eltern-adoptieren": "liefen noch Programme, die die Abgabe gestartet hat",
}

# the kernel does not come back
STOP = {
    "endlos": "while True:\n    pass",
    "endlos-trotzig": "import time\nwhile True:\n    try:\n        while True:\n            time.sleep(0.05)\n    except BaseException:\n        pass",
    "os-exit": "import os\nos._exit(0)",
    "sys-exit": "import sys\nsys.exit(0)",
    "eigenes-ende": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
}
# all channels of the process are shut: nobody can say goodbye any more
DEAF = "import os, socket\nfor fd in range(3, 256):\n    try:\n        socket.socket(fileno=os.dup(fd)).shutdown(2)\n    except OSError:\n        pass\n    try:\n        os.close(fd)\n    except OSError:\n        pass"
# writes on the channel of the learner's process what it likes; {{test}} is a test cell's number
FORGED = ("import json, os\nanzahl = 0\nfor event in ({'t': 'out', 'i': {test}, 'o': {'output_type': 'execute_result', 'data': {'text/plain': '3'}, 'metadata': {}, 'execution_count': 1}},"
          " {'t': 'end', 'i': {test}, 'n': -5}, {'t': 'end', 'i': 1, 'n': -5}, {'t': 'kaputt', 'v': 'x'}, {'t': 'export', 'i': {test}, 'name': '__class__', 'v': {'k': 'kurs', 'c': 'os:system', 'v': []}}):\n"
          "    for fd in range(3, 64):\n        try:\n            os.write(fd, b'\\n' + json.dumps(event).encode() + b'\\n')\n        except OSError:\n            pass")
NESTED = "<div><table><tr><td></div></td></tr></table>"
XSS = "<script>document.title = 'GELUNGEN'</script><img src=x onerror=\"document.title='GELUNGEN'\">"
