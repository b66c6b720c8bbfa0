"""Request bodies: read by our own reader, so that every fault is said at once, with its place."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeVar

from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.dto._backend import DTOBackend
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Struct

from rowhook.operations import read_document

T = TypeVar("T", bound=Struct)


class Document(AbstractDTO[T], Generic[T]):
    """`Document[S]` reads a JSON object into the Struct S. Raises NotReadable and Rejected."""

    def decode_bytes(self, value: bytes) -> Any:
        """The Struct of a body."""
        return read_document(value, self.model_type)

    @classmethod
    def create_for_field_definition(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,
        backend_cls: type[DTOBackend] | None = None,
    ) -> None:
        """Nothing is generated: the Struct itself is what travels."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """The schema of the Struct."""
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(cls.model_type))

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        """None are needed."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Structs nest by themselves."""
        return False
