"""Tests of the User Service: real PostgreSQL and a real Redis-protocol server stand behind the fixtures."""
