"""The OpenAPI document, made from the operations, the schemas and the tables of access and problems."""
