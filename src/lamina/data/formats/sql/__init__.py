"""Databases through SQLAlchemy, or ConnectorX: read only, streamed, with nothing secret in files or messages; see `read_sql`."""

from lamina.data.formats.sql.reader import Request, read_sql

__all__ = ["Request", "read_sql"]
