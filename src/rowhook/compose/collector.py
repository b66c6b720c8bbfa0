"""Compiles part after part of a webhook, and keeps everything that is wrong with any of them."""

from __future__ import annotations

from rowhook.compose.configuration import Fault
from rowhook.schema import Schema, SchemaRejected, compile_schema
from rowhook.template import (
    Condition,
    Place,
    Template,
    TemplateFaults,
    compile_condition,
    compile_template,
)


class Collector:
    """What compiling refuses, each with its pointer into the configuration."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def say(self, pointer: str, message: str) -> None:
        """Notes a fault."""
        self.faults.append(Fault(pointer=pointer, message=message))

    def template(self, pointer: str, source: str, place: Place) -> Template | None:
        """The compiled template; None if it has faults."""
        try:
            return compile_template(source, place)
        except TemplateFaults as refused:
            self._say_all(pointer, refused)
        return None

    def condition(self, source: str | None) -> Condition | None:
        """The compiled condition, if there is one."""
        try:
            return None if source is None else compile_condition(source)
        except TemplateFaults as refused:
            self._say_all("/condition", refused)
        return None

    def _say_all(self, pointer: str, refused: TemplateFaults) -> None:
        self.faults.extend(
            Fault(pointer=pointer, message=str(one), line=one.line, column=one.column)
            for one in refused.faults
        )

    def schema(self, document: object) -> Schema | None:
        """The compiled schema, if there is one."""
        try:
            return None if document is None else compile_schema(document)
        except SchemaRejected as refused:
            for pointer, message in refused.faults:
                self.say(f"/schema{pointer}", message)
        return None
