"""Examples for the OpenAPI document, with consistent ids: one file per resource."""
