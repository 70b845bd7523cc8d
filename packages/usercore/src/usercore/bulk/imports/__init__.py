"""Imports: rows of a file become users, batch by batch, each row once however often the work is interrupted."""
