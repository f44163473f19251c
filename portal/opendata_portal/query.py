"""Solr's query language, as far as CKAN and its users write it, evaluated on Python dictionaries.

Supported: words, phrases, wildcards, fuzzy words, `field:value`, groups, AND/OR/NOT, `+`/`-`, ranges over dates
(with Solr's date arithmetic), numbers and text, boosts (for the order of results) and plain dismax queries with
their minimum match. Regular expressions and Solr's local parameters are refused with a `pysolr.SolrError`, which
CKAN turns into its own message.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pysolr
from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse

from opendata_portal.text import fold, stem, tokens

# Fields that Solr's schema of CKAN analyses as text; all others are compared as they are.
TEXT_FIELDS = frozenset(
    {"text", "title", "notes", "author", "maintainer", "res_name", "res_description", "urls", "license"}
)
# Fields that CKAN's schema copies into the catch-all field "text".
COPIED = ("name", "title", "notes", "tags", "groups", "organization", "author", "maintainer", "license", "url",
          "res_name", "res_description", "res_format", "res_url")  # fmt: skip
DISMAX_WEIGHTS = {"name": 4.0, "title": 4.0, "tags": 2.0, "groups": 2.0, "text": 1.0}

_OPERATOR = re.compile(r"\b(AND|OR|NOT)\b")
_DISMAX_PART = re.compile(r'([+-]?)("[^"]*"|\S+)')
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?Z?$")
_DATE_MATH = re.compile(r"([+-]\d+|/)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?")
_ESCAPE = re.compile(r"\\(.)")

Predicate = Callable[["Document"], bool]


class Document:
    """One indexed dataset: its Solr fields, with the analysed text kept for the next query."""

    __slots__ = ("_tokens", "fields")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self._tokens: dict[str, list[list[str]]] = {}

    def values(self, name: str) -> list[str]:
        """Return a field's values as text (an absent field gives an empty list)."""
        return list(_flatten(self.fields.get(name)))

    def tokens(self, name: str) -> list[list[str]]:
        """Return the stems of each value of a field; "text" stands for all text of the dataset."""
        if name not in self._tokens:
            if name == "text":
                names = [*COPIED, *(key for key in self.fields if key.startswith("extras_"))]
                found = [tokens(value) for key in names for value in self.values(key)]
            else:
                found = [tokens(value) for value in self.values(name)]
            self._tokens[name] = found
        return self._tokens[name]


class Query:
    """A compiled query: says whether a document matches and how well."""

    def __init__(self, text: str | None, *, default_and: bool = True, dismax: bool = False) -> None:
        text = (text or "").strip()
        self._terms: list[tuple[str | None, list[str], float]] = []
        self._default_and = default_and
        if text in ("", "*", "*:*"):
            self.matches: Predicate = lambda document: True
        elif dismax and not _OPERATOR.search(text):
            self.matches = self._dismax(text)
        else:
            self.matches = self._compile(_parse(text), None)

    def score(self, document: Document) -> float:
        """Return how well a document fits: exact words in name and title count most."""
        return sum(boost * _term_score(document, field, words) for field, words, boost in self._terms)

    # -- dismax ------------------------------------------------------------------------------------------------

    def _dismax(self, text: str) -> Predicate:
        required: list[Predicate] = []
        forbidden: list[Predicate] = []
        optional: list[Predicate] = []
        for sign, part in _DISMAX_PART.findall(text):
            words = tokens(part)
            if not words:
                continue
            phrase = part.startswith('"')
            clause = _any_field(words, phrase)
            if sign == "-":
                forbidden.append(clause)
                continue
            (required if sign == "+" else optional).append(clause)
            self._terms.append((None, words, 1.0))
        least = _minimum_match(len(optional))

        def matches(document: Document) -> bool:
            return (
                all(clause(document) for clause in required)
                and not any(clause(document) for clause in forbidden)
                and sum(clause(document) for clause in optional) >= least
            )

        return matches

    # -- the full language -------------------------------------------------------------------------------------

    def _compile(
        self, node: tree.Item, field: str | None, boost: float = 1.0, positive: bool = True
    ) -> Predicate:
        def go(child: tree.Item, positive: bool = positive) -> Predicate:
            return self._compile(child, field, boost, positive)

        match node:
            case tree.SearchField():
                name = None if node.name == "*" else node.name
                return self._compile(node.expr, name, boost, positive)
            case tree.Group() | tree.FieldGroup():
                return go(node.expr)
            case tree.Boost():
                return self._compile(node.expr, field, boost * float(node.force), positive)
            case tree.Plus():
                return go(node.a)
            case tree.Not() | tree.Prohibit():
                inner = go(node.a, False)
                return lambda document: not inner(document)
            case tree.AndOperation():
                parts = [go(child) for child in node.children]
                return lambda document: all(part(document) for part in parts)
            case tree.OrOperation():
                parts = [go(child) for child in node.children]
                return lambda document: any(part(document) for part in parts)
            case tree.UnknownOperation():
                return self._boolean(node.children, go)
            case tree.Range():
                return _range(field, _text(node.low), _text(node.high), node.include_low, node.include_high)
            case tree.From():
                return _range(field, _text(node.a), "*", node.include, True)
            case tree.To():
                return _range(field, "*", _text(node.a), True, node.include)
            case tree.Fuzzy():
                return _fuzzy(field, _text(node.term))
            case tree.Proximity():
                return _words(field, tokens(_text(node.term)), phrase=False)
            case tree.Phrase():
                value = _ESCAPE.sub(r"\1", node.value[1:-1])
                return self._value(field, value, boost, positive, phrase=True)
            case tree.Word():
                if node.has_wildcard():
                    return _wildcard(field, node.value)
                return self._value(field, _ESCAPE.sub(r"\1", node.value), boost, positive, phrase=False)
        raise pysolr.SolrError(f"unsupported query syntax: {type(node).__name__}")

    def _boolean(self, children: Iterable[tree.Item], go: Callable[..., Predicate]) -> Predicate:
        """Lucene's rule for clauses without AND or OR between them."""
        must, should = [], []
        for child in children:
            optional = not isinstance(child, (tree.Plus, tree.Not, tree.Prohibit)) and not self._default_and
            (should if optional else must).append(go(child))
        only_negative = all(isinstance(child, (tree.Not, tree.Prohibit)) for child in children)

        def matches(document: Document) -> bool:
            if not all(part(document) for part in must):
                return False
            return bool(must) or only_negative or any(part(document) for part in should)

        return matches

    def _value(
        self, field: str | None, value: str, boost: float, positive: bool, *, phrase: bool
    ) -> Predicate:
        words = tokens(value)
        if positive and words:
            self._terms.append((field, words, boost))
        if field is None or _is_text(field):
            return _words(field, words, phrase=phrase)
        return lambda document: value in document.values(field)


def date_value(text: str, now: datetime | None = None) -> datetime:
    """Return a Solr date ("2026-01-31T00:00:00Z", "NOW-7DAYS/DAY") as UTC time; ValueError if it is none."""
    base, rest = text, ""
    if text.startswith("NOW"):
        moment, rest = now or datetime.now(UTC), text[3:]
    else:
        if "Z" in text:
            base, _, rest = text.partition("Z")
        moment = datetime.fromisoformat(base).replace(tzinfo=UTC)
    if _DATE_MATH.sub("", rest).strip():
        raise ValueError(text)
    for amount, unit in _DATE_MATH.findall(rest):
        moment = _floor(moment, unit) if amount == "/" else _shift(moment, int(amount), unit)
    return moment


def _parse(text: str) -> tree.Item:
    if "{!" in text:
        raise pysolr.SolrError("local parameters are not supported")
    try:
        return parse(text)
    except (ParseError, ValueError):
        # What people type is not always a query ("Was? (und wo"): then search for its words.
        words = re.findall(r"\w+", text)
        return parse(" ".join(f'"{word}"' for word in words)) if words else tree.Phrase('""')


def _text(node: tree.Item) -> str:
    value = getattr(node, "value", None)
    if value is None:
        raise pysolr.SolrError(f"unsupported query syntax: {node}")
    return _ESCAPE.sub(r"\1", value.strip('"'))


def _flatten(value: Any) -> Iterable[str]:
    if value is None:
        return
    if isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _flatten(item)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    else:
        yield str(value)


def _is_text(field: str) -> bool:
    return field in TEXT_FIELDS or field.startswith(("extras_", "res_extras_"))


def _minimum_match(clauses: int) -> int:
    """CKAN's rule "2<-1 5<80%": up to two words all, up to five all but one, above that 80 percent."""
    if clauses <= 2:
        return clauses
    return clauses - 1 if clauses <= 5 else int(clauses * 0.8)


def _same(found: str, wanted: str) -> bool:
    """A word also finds longer ones, as German compounds need: "Baum" finds "Baumkataster"."""
    return found == wanted or (len(wanted) >= 3 and not wanted.isdigit() and found.startswith(wanted))


def _in_value(value: list[str], words: list[str], phrase: bool) -> bool:
    if not phrase:
        return all(any(_same(found, word) for found in value) for word in words)
    return any(value[i : i + len(words)] == words for i in range(len(value) - len(words) + 1))


def _words(field: str | None, words: list[str], *, phrase: bool) -> Predicate:
    if not words:
        return lambda document: False
    name = field or "text"
    if phrase or name != "text":
        return lambda document: any(_in_value(value, words, phrase) for value in document.tokens(name))
    return lambda document: all(
        any(_same(found, word) for value in document.tokens("text") for found in value) for word in words
    )


def _any_field(words: list[str], phrase: bool) -> Predicate:
    return _words(None, words, phrase=phrase)


def _wildcard(field: str | None, value: str) -> Predicate:
    if value == "*":
        return (lambda document: True) if field is None else (lambda document: bool(document.values(field)))
    parts = re.split(r"(\\.|\*|\?)", value)
    if field is None or _is_text(field):
        parts = [part if part in ("*", "?") or part.startswith("\\") else fold(part) for part in parts]
    pattern = "".join(
        ".*" if part == "*" else "." if part == "?" else re.escape(part[1:] if part[:1] == "\\" else part)
        for part in parts
    )
    compiled = re.compile(pattern, re.DOTALL)
    if field is None or _is_text(field):
        name = field or "text"
        return lambda document: any(
            compiled.fullmatch(word) for value in document.tokens(name) for word in value
        )
    return lambda document: any(compiled.fullmatch(value) for value in document.values(field))


def _fuzzy(field: str | None, value: str) -> Predicate:
    wanted, name = stem(value), field or "text"
    return lambda document: any(
        difflib.SequenceMatcher(None, wanted, word).ratio() >= 0.75
        for found in document.tokens(name)
        for word in found
    )


def _range(field: str | None, low: str, high: str, include_low: bool, include_high: bool) -> Predicate:
    if field is None:
        raise pysolr.SolrError("a range needs a field")
    bounds = [bound for bound in (low, high) if bound != "*"]
    convert: Callable[[str], Any] = str
    for candidate in (float, date_value):
        try:
            for bound in bounds:
                candidate(bound)
        except ValueError:
            continue
        convert = candidate
        break
    else:
        if any(bound.startswith("NOW") for bound in bounds):
            raise pysolr.SolrError(f"Invalid Date in Date Math String: {low} TO {high}")
    least = None if low == "*" else convert(low)
    most = None if high == "*" else convert(high)

    def inside(value: str) -> bool:
        try:
            found = convert(value)
        except ValueError:
            return False
        above = least is None or found > least or (include_low and found == least)
        return above and (most is None or found < most or (include_high and found == most))

    return lambda document: any(inside(value) for value in document.values(field))


def _term_score(document: Document, field: str | None, words: list[str]) -> float:
    if field is not None and field not in DISMAX_WEIGHTS and not _is_text(field):
        return 0.0
    fields = DISMAX_WEIGHTS if field in (None, "text") else {field: DISMAX_WEIGHTS.get(field, 1.0)}
    total = 0.0
    for word in words:
        best = 0.0
        for name, weight in fields.items():
            for value in document.tokens(name):
                if word in value:
                    best = max(best, weight)
                elif any(_same(found, word) for found in value):
                    best = max(best, weight / 2)
        total += best
    return total


def _floor(moment: datetime, unit: str) -> datetime:
    order = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
    if unit == "WEEK":
        raise ValueError("/WEEK")
    keep = order.index(unit) + 1
    parts = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second][:keep]
    return datetime(*(parts + [1] * (3 - len(parts)))[: max(keep, 3)], tzinfo=UTC)


def _shift(moment: datetime, amount: int, unit: str) -> datetime:
    if unit in ("YEAR", "MONTH"):
        months = moment.year * 12 + moment.month - 1 + amount * (12 if unit == "YEAR" else 1)
        year, month = divmod(months, 12)
        for day in range(moment.day, 27, -1):
            try:
                return moment.replace(year=year, month=month + 1, day=day)
            except ValueError:
                continue
        return moment.replace(year=year, month=month + 1)
    return moment + timedelta(**{f"{unit.lower()}s": amount})
