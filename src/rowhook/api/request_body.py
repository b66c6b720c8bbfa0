"""Request bodies, decoded so that all faults are reported at once, each with its pointer."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.dto._backend import DTOBackend
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Struct

from rowhook.services.json_reader import ReadResult, read_document, read_with_faults

T = TypeVar("T")


class BodyReader(AbstractDTO[T], Generic[T]):
    """`BodyReader[S]` decodes a JSON object to a Struct S. Raises InvalidDocument, Rejected.

    `BodyReader[ReadResult[S]]` returns the valid fields and the faults, which the operation reports
    together with its own.
    """

    def decode_bytes(self, value: bytes) -> Any:
        """Decode a body."""
        read = read_with_faults if get_origin(self.model_type) is ReadResult else read_document
        return read(value, self._struct())

    @classmethod
    def _struct(cls) -> type[Struct]:
        struct: Any = next(iter(get_args(cls.model_type)), cls.model_type)
        return cast("type[Struct]", struct)

    @classmethod
    def create_for_field_definition(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,
        backend_cls: type[DTOBackend] | None = None,
    ) -> None:
        """Generate no transfer model: the Struct itself is used."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """Return the schema of the Struct."""
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(cls._struct()))

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        """Yield nothing: no fields are needed."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Return False: Structs handle nesting."""
        return False
