"""The metadata form: semantic HTML in the browser, all knowledge in the kernel."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .. import forms
from .metadata import Metadata, form_groups
from .report import LEVELS, load_yaml
from .shapes import validate_metadata

_HERE = Path(__file__).parent
FILES = ("metadaten.json", "metadaten.ttl", "metadaten.jsonld")


class MetadataForm(anywidget.AnyWidget):
    """Form for one `Metadata` object. Every change reaches the object at once; saving writes three files."""

    _esm = forms.script(_HERE / "form.js")
    _css = (_HERE / "form.css").read_text(encoding="utf-8")
    groups = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    findings = traitlets.List().tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    seen = traitlets.Int(0).tag(sync=True)  # number of the last message, see form.js
    answer = traitlets.Int(0).tag(sync=True)  # rises with every check, so that the same text is announced again

    def __init__(self, metadata: Metadata, folder: str | Path = "."):
        self.metadata, self._folder = metadata, Path(folder)
        super().__init__(groups=form_groups(), values=_texts(metadata))
        self.on_msg(lambda _widget, content, _buffers: self.receive(content))

    def __repr__(self) -> str:
        return f"Formular: {self.metadata!r}"

    def _repr_mimebundle_(self, **kwargs: Any):
        bundle = super()._repr_mimebundle_(**kwargs)
        data, meta = bundle if isinstance(bundle, tuple) else (bundle, {})
        data["text/html"] = self.static_html()
        return data, meta

    def receive(self, content: dict[str, Any]) -> None:
        """Handle a message of the browser: `value` (one field), `check` or `save`."""
        for name, value in (content.get("values") or {}).items():
            self._set(name, value)
        if content.get("art") == "check":
            self._check()
        elif content.get("art") == "save":
            self._save()
        self.seen = int(content.get("number") or 0)

    def _set(self, name: str, value: Any) -> None:
        spec = next((f for g in self.groups for f in g["fields"] if f["name"] == name), None)
        if spec is None:
            return
        if spec["kind"] == "several":
            setattr(self.metadata, name, [str(v) for v in value])
        elif spec["kind"] == "list":
            setattr(self.metadata, name, [w.strip() for w in str(value).split(",") if w.strip()])
        elif spec["kind"] == "bbox":
            numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", str(value))]
            setattr(self.metadata, name, numbers if len(numbers) == 4 else [])
            self._raw_bbox = str(value).strip()
        else:
            setattr(self.metadata, name, str(value).strip())
        self.values = {**_texts(self.metadata), **({"bbox": self._raw_bbox} if getattr(self, "_raw_bbox", "") else {})}

    def _check(self) -> None:
        report = validate_metadata(self.metadata)
        labels = {f["label"]: f["name"] for g in self.groups for f in g["fields"]}
        found = [{"field": labels.get(f.column or "", ""), "label": f.column or "Dateien", "level": f.level, "word": LEVELS[f.level],
                  "text": f"{f.what} {f.repair}"} for f in report]
        if getattr(self, "_raw_bbox", "") and not self.metadata.bbox:
            entry = load_yaml("metadata_rules.yml")["bbox-range"]
            found.insert(0, {"field": "bbox", "label": "Rahmen", "level": "error", "word": LEVELS["error"],
                             "text": f"{entry['what'].format(value=self._raw_bbox)} {entry['repair']}"})
        self.findings = found
        errors = sum(f["level"] == "error" for f in found)
        self._say("Alles ist ausgefüllt." if not found else f"{errors} Fehler, {len(found) - errors} Hinweise. Sie stehen unter dem Formular."
                  if errors else f"Kein Fehler, {len(found)} Hinweise.")

    def _save(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for name in FILES:
                self.metadata.save(self._folder / name)
        except OSError as error:
            self._say(f"Nicht gespeichert: {error.strerror}. Bitte wenden Sie sich an die Kursleitung.")
            return
        self._say(f"Gespeichert: {', '.join(FILES)}.")

    def _say(self, text: str) -> None:
        self.status = text
        self.answer += 1

    def static_html(self) -> str:
        """Reading version for pages without a kernel."""
        parts = []
        for group in self.groups:
            rows = []
            for spec in group["fields"]:
                value = self.values.get(spec["name"]) or ""
                choices = dict(map(tuple, spec.get("choices", [])))
                shown = ", ".join(choices.get(v, v) for v in value) if isinstance(value, list) else choices.get(value, value)
                rows.append(f"<dt>{escape(spec['label'])}</dt><dd>{escape(shown) or '–'}</dd>")
            parts.append(f"<p><strong>{escape(group['group'])}</strong></p><dl>{''.join(rows)}</dl>")
        return f'<div lang="de"><p>Formular für Metadaten (Lesefassung)</p>{"".join(parts)}</div>'


def _texts(metadata: Metadata) -> dict[str, Any]:
    """Values of all form fields as texts (several choices as a list)."""
    result: dict[str, Any] = {}
    for group in form_groups():
        for spec in group["fields"]:
            value = getattr(metadata, spec["name"])
            result[spec["name"]] = list(value) if spec["kind"] == "several" else ", ".join(f"{v}" for v in value) if isinstance(value, list) else str(value)
    return result
