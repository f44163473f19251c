"""HTML pages from notebooks, many from the same template."""

from __future__ import annotations

from jinja2.bccache import Bucket, BytecodeCache
from nbconvert import HTMLExporter


class _InMemory(BytecodeCache):
    """Keeps compiled templates as long as the process lives; a changed template has another checksum."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], object] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _InMemory()


class PageExporter(HTMLExporter):
    """nbconvert's exporter; it compiles a template once per process, not once per page (a third of a feedback page's time)."""

    def _create_environment(self):
        environment = super()._create_environment()
        environment.bytecode_cache = _COMPILED
        return environment
