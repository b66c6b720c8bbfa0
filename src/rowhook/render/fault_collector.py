"""Compiles the parts of a webhook and collects their faults."""

from __future__ import annotations

from rowhook.render.configuration import Fault
from rowhook.schema.schema_compiler import Schema, SchemaRejected, compile_schema
from rowhook.template.compiler import Condition, Template, compile_condition, compile_template
from rowhook.template.faults import TemplateFaults
from rowhook.template.output_context import OutputContext


class FaultCollector:
    """Collects compilation faults, each with its JSON pointer into the configuration."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, pointer: str, message: str, *, setting: str | None = None) -> None:
        """Add a fault. `setting` is one that would allow what is refused."""
        self.faults.append(Fault(pointer=pointer, message=message, setting=setting))

    def template(self, pointer: str, source: str | None, place: OutputContext) -> Template | None:
        """Compile a template, if there is one; return None if it has faults."""
        try:
            return None if source is None else compile_template(source, place)
        except TemplateFaults as error:
            self._add_all(pointer, error)
        return None

    def condition(self, source: str | None) -> Condition | None:
        """Compile the condition, if there is one."""
        try:
            return None if source is None else compile_condition(source)
        except TemplateFaults as error:
            self._add_all("/condition", error)
        return None

    def _add_all(self, pointer: str, error: TemplateFaults) -> None:
        self.faults.extend(
            Fault(pointer=pointer, message=str(fault), line=fault.line, column=fault.column)
            for fault in error.faults
        )

    def schema(self, document: object) -> Schema | None:
        """Compile the schema, if there is one."""
        try:
            return None if document is None else compile_schema(document)
        except SchemaRejected as error:
            for pointer, message in error.faults:
                self.add(f"/schema{pointer}", message)
        return None
