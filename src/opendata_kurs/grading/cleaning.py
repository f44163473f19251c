"""Make a hand-in harmless to look at: formgrader shows it in the trainer's session, where a script would act as the trainer."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

MAX_HTML = 300_000
MAX_FRAME = 8_000_000
MAX_IMAGE = 8_000_000
MAX_TEXT = 200_000
MAX_MARKDOWN = 20_000  # of one text cell: rendering can cost the square of it
SECONDS = 10.0  # for all HTML of one notebook: the parser's time can grow with the square of the text
MAX_DEPTH = 100  # tags inside each other
_TAGS = {"p", "br", "em", "strong", "b", "i", "u", "code", "pre", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody",
         "tfoot", "tr", "th", "td", "caption", "blockquote", "a", "hr", "del", "sup", "sub", "dl", "dt", "dd", "details", "summary", "div", "span",
         "section", "figure", "figcaption", "small", "img"}
_PLAIN_TAG = re.compile(r"</?(?:p|br|em|strong|b|i|u|code|pre|ul|ol|li|sub|sup|del|kbd|small|hr|blockquote|details|summary|table|thead|tbody|tr|th|td)\s*/?>", re.I)
_AUTOLINK = re.compile(r"<(?:https?://|mailto:)[^\s<>\"'`]+>")
# an invisible character keeps the words readable and is no part of any scheme; mistune decodes entities in links twice,
# so `&amp;` is no exception
_INVISIBLE = "\u200b"
_TAG_NAME = re.compile(r"<(/?)([a-zA-Z]\w*)")
_VOID = {"br", "hr", "img", "input", "meta", "link", "col", "wbr", "area", "base", "embed", "source", "track"}
SCRIPT = re.compile(r"<(?:script|iframe|object|embed|svg|form|meta|base|link)\b|\son[a-z]{3,20}\s*=|(?:java|vb)script\s*:", re.I)
_SCRIPT_WORD = re.compile(r"(java|vb|live)(script)", re.I)
_ENTITY = re.compile(r"&(?=#|\w+;)(?!(?:lt|gt|nbsp|quot);)")


def clean_markdown(text: str) -> str:
    """Return markdown without raw HTML (simple tags without attributes stay), entities that hide letters, and script links."""
    parts, position = [], 0
    text = _ENTITY.sub(f"&{_INVISIBLE}", text)
    for found in re.finditer(r"<(?=[a-zA-Z/!?])", text):
        start = found.start()
        if start < position:
            continue
        kept = _PLAIN_TAG.match(text, start) or _AUTOLINK.match(text, start)
        parts.append(text[position:start])
        parts.append(kept[0] if kept else "&lt;")
        position = kept.end() if kept else start + 1
    return _SCRIPT_WORD.sub(rf"\1{_INVISIBLE}\2", "".join([*parts, text[position:]]))


def clean_html(html: str) -> str:
    """Return the HTML of an output without scripts, styles, forms and foreign addresses."""
    import bleach

    def allowed(tag: str, name: str, value: str) -> bool:
        if name in ("class", "title", "lang", "scope", "colspan", "rowspan", "border"):
            return len(value) < 200
        if tag == "a":
            return name == "href" and value.lower().startswith(("#", "https://", "http://", "mailto:"))
        return tag == "img" and (name in ("alt", "width", "height") or (name == "src" and value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))))

    html = re.sub(r"<(script|style|template|noscript|svg|math)\b.*?(</\1\s*>|$)", "", html, flags=re.S | re.I)
    return bleach.clean(html, tags=_TAGS, attributes=allowed, protocols={"http", "https", "mailto", "data"}, strip=True)


class TooLongError(Exception):
    """Cleaning took too long."""


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise `TooLongError` inside the block after `seconds` (main thread of a POSIX process; elsewhere no limit)."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise TooLongError

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def too_deep(html: str) -> bool:
    """Return whether tags are nested deeper than a table or a list ever is (counted per name, so foreign ends do not help)."""
    open_, deepest = dict[str, int](), 0
    for end, name in _TAG_NAME.findall(html):
        name = name.lower()
        if name not in _VOID:
            open_[name] = max(0, open_.get(name, 0) + (-1 if end else 1))
            deepest = max(deepest, open_[name])
            if deepest > MAX_DEPTH:
                return True
    return False


def frame_of(html: str) -> str | None:
    """Return the page inside `<iframe srcdoc="…">`, found in one pass over the text, or None."""
    value = html.find('srcdoc="')
    begin = html.rfind("<iframe", 0, value) if value >= 0 else -1
    end = html.find('"', value + 8)
    return html[value + 8:end] if begin >= 0 and end >= 0 and ">" not in html[begin:value] else None


def _html_output(html: str, budget: list[float] | None = None) -> str:
    frame = frame_of(html) if len(html) <= MAX_FRAME else None
    if frame is not None:  # a map: it may run its scripts, in an origin of its own that cannot reach the trainer's session
        return f'<iframe sandbox="allow-scripts" title="Karte aus der Abgabe" style="width:100%;height:30rem;border:1px solid #767676" srcdoc="{frame}"></iframe>'
    left = [SECONDS] if budget is None else budget
    began = time.monotonic()
    try:
        if len(html) > MAX_HTML or left[0] <= 0 or too_deep(html):
            raise TooLongError
        with _at_most(min(left[0], 3.0)):
            return clean_html(html)
    except TooLongError:
        return "<p>(Diese Ausgabe ist zu groß und wird hier nicht gezeigt.)</p>"
    finally:
        left[0] -= time.monotonic() - began


def _image(content: Any) -> str | None:
    text = "".join(content.split()) if isinstance(content, str) else ""
    if not text or len(text) > MAX_IMAGE:
        return None
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return text


def encodable(value: Any) -> Any:
    """Return a text (or data with texts) without half characters, which no file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {encodable(k): encodable(v) for k, v in value.items()}
    return [encodable(v) for v in value] if isinstance(value, list) else value


def clean_output(output: dict, budget: list[float] | None = None) -> NotebookNode | None:
    """Return one output of a learner's cell in a valid and harmless form, or None.

    `budget` holds the seconds that cleaning this notebook may still take.
    """
    output = encodable(output)
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return NotebookNode(output_type="stream", name=name, text=str(output.get("text", ""))[:MAX_TEXT])
    if kind == "error":
        trace = output.get("traceback")
        lines = [str(line)[:20_000] for line in trace[:60]] if isinstance(trace, list) else []
        return NotebookNode(output_type="error", ename=str(output.get("ename", ""))[:200], evalue=str(output.get("evalue", ""))[:5000], traceback=lines)
    if kind not in ("display_data", "execute_result") or not isinstance(output.get("data"), dict):
        return None
    data, kept = output["data"], NotebookNode()
    if isinstance(data.get("text/plain"), str):
        kept["text/plain"] = data["text/plain"][:MAX_TEXT]
    if isinstance(data.get("text/html"), str):
        kept["text/html"] = _html_output(data["text/html"], budget)
    for mime in ("image/png", "image/jpeg"):
        if mime in data and (image := _image(data[mime])):
            kept[mime] = image
    if not kept:
        return None
    node = NotebookNode(output_type="display_data", data=kept, metadata=NotebookNode())
    if kind == "execute_result":
        count = output.get("execution_count")
        node.output_type, node["execution_count"] = kind, count if isinstance(count, int) else None
    return node


class CleanHandIn(NbGraderPreprocessor):
    """Clean the text cells of a hand-in before it is stored and shown. First of the second pass."""

    def preprocess(self, nb, resources):
        """Clean all cells that the course did not lock."""
        nb.metadata = NotebookNode({k: nb.metadata[k] for k in ("kernelspec", "language_info", "opendata_kurs") if k in nb.metadata})
        notes, left = set[str](), 10 * MAX_MARKDOWN
        for cell in nb.cells:
            cell.source = encodable(cell.source)
            data = cell.metadata.get("nbgrader") or {}
            if cell.cell_type == "raw":  # nbconvert would print it as it is
                fence = "`" * max(3, 1 + max((len(m) for m in re.findall(r"`+", cell.source)), default=0))
                cell.cell_type, cell.source = "markdown", f"{fence}\n{cell.source}\n{fence}"
            elif cell.cell_type == "markdown" and not data.get("locked"):
                if SCRIPT.search(cell.source):
                    notes.add("Aus einem Text wurden Skripte oder HTML-Befehle entfernt, bevor jemand ihn ansieht.")
                if len(cell.source) > min(MAX_MARKDOWN, left):
                    notes.add("Ein Text ist sehr lang. Er wurde gekürzt.")
                    cell.source = f"{cell.source[:max(0, min(MAX_MARKDOWN, left))]}\n\n… (Der Text ist hier gekürzt.)"
                left -= len(cell.source)
                cell.source = clean_markdown(cell.source)
            if cell.cell_type == "markdown":
                cell.pop("outputs", None)
                cell.pop("execution_count", None)
                attachments = cell.pop("attachments", None)
                kept = {name: NotebookNode({m: d for m, d in files.items() if m in ("image/png", "image/jpeg") and _image(d)})
                        for name, files in (attachments or {}).items() if isinstance(files, dict) and re.fullmatch(r"[\w. -]{1,100}", name)}
                if any(kept.values()):
                    cell["attachments"] = NotebookNode(kept)
            cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k in ("nbgrader", "opendata_kurs", "tags", "deletable", "editable")})
        if notes:
            course = nb.metadata.setdefault("opendata_kurs", NotebookNode())
            course["hinweise"] = [*course.get("hinweise", []), *sorted(notes)]
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        """Do nothing: the work is per notebook."""
        return cell, resources
