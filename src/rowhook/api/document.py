"""Request bodies: read by our own reader, so that every fault is said at once, with its place."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.dto._backend import DTOBackend
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Struct

from rowhook.operations import ReadResult, read_document, read_with_faults

T = TypeVar("T")


class Document(AbstractDTO[T], Generic[T]):
    """`Document[S]` decodes a JSON object to a Struct S. Raises InvalidDocument, Rejected.

    `Document[ReadResult[S]]` also returns the faults, which the operation reports with its own.
    """

    def decode_bytes(self, value: bytes) -> Any:
        """The Struct of a body, or its ReadResult."""
        read = read_with_faults if get_origin(self.model_type) is ReadResult else read_document
        return read(value, self._struct())

    @classmethod
    def _struct(cls) -> type[Struct]:
        found: Any = next(iter(get_args(cls.model_type)), cls.model_type)
        return cast("type[Struct]", found)

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
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(cls._struct()))

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
