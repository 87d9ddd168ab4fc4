"""Where a graph is."""

from dataclasses import dataclass, field

__all__ = ["Address"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A graph server and who may use it.

    The reader is a user whom the server lets read and nothing else; "" where there is none. `http_port` is where an
    ArcadeDB takes what Bolt cannot carry, 0 for a Neo4j.
    """

    uri: str
    database: str
    user: str
    password: str = field(repr=False)
    reader: str = ""
    reader_password: str = field(default="", repr=False)
    http_port: int = 0
