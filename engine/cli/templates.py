r"""``--format``: a table, JSON, or a line of one's own as a template of Go's (`engine.cli.template_parser`).

``\t`` and ``\n`` are tabs and line ends, and ``table`` in front asks for headings and columns, as docker has it.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.cli.template_parser import Template

_TABLE = "table"


class Format(NamedTuple):
    """What a list is to look like.

    Attributes:
        name: ``table`` (or ``text``), ``json`` or ``template``.
        template: in the last case.
        has_headings: whether the template is a table's.
    """

    name: str
    template: Template | None = None
    has_headings: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it shows fields of documents and not the cells of our own table."""
        return self.name in ("json", "template")

    @property
    def fields(self) -> frozenset[str]:
        """The outermost fields that a template shows."""
        return self.template.fields if self.template is not None else frozenset()

    def line(self, document: object) -> str:
        """The template with a document's fields.

        Raises:
            InvalidRequest: a field that there isn't.
        """
        return self.template.line(document) if self.template is not None else ""

    def headings(self, known: Sequence[tuple[str, str]]) -> str:
        """The template with headings: those of columns that have one by the name of their field, else its name."""
        from engine.cli.template_values import Headings

        return self.line(Headings({field: heading for heading, field in known}))


def format_of(*plain: str) -> Callable[[str], Format]:
    """Reads ``--format``; `plain` are the words that aren't templates, such as ``table`` and ``json``."""

    def read(text: str) -> Format:
        if text in plain:
            return Format(text)
        if "{{" not in text:
            raise ArgumentTypeError(f"{text!r} is neither {' nor '.join(plain)} nor a template such as '{{{{.Name}}}}'")
        from engine.cli.template_parser import parse

        has_headings = text.startswith(f"{_TABLE} ") and _TABLE in plain
        source = text.removeprefix(_TABLE).strip(" ") if has_headings else text
        return Format("template", parse(source), has_headings)

    return read
