"""The ledger's tables.

Truth, only ever added to: `document`, `extractor`, `attempt`, `event`. Everything under "derived" can be dropped and is
computed again from the truth by `kgbuilder replay`. `job` is the queue of the app's worker.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = ["DERIVED", "metadata"]

metadata = MetaData()
_ID = String(64)
# SQLite counts an INTEGER PRIMARY KEY up by itself; PostgreSQL needs the wide type for the same.
_SEQ = BigInteger().with_variant(Integer(), "sqlite")

# --- truth ------------------------------------------------------------------------------------------------------------

document = Table(
    "document",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("n_chars", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("pages", LargeBinary, nullable=False),  # zlib of the JSON list of page spans
    Column("warnings", Text, nullable=False),
)

extractor = Table(
    "extractor",
    metadata,
    Column("id", _ID, primary_key=True),  # the fingerprint
    Column("name", Text, nullable=False),
    Column("ontology", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

attempt = Table(
    "attempt",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("passage_id", _ID, nullable=False),
    Column("extractor_id", _ID, nullable=False),
    Column("state", String(16), nullable=False),
    Column("claims", Text, nullable=False),  # JSON: mentions, triples, quarantined
    Column("replies", Text, nullable=False),  # JSON: every raw reply
    Column("failure", Text),  # JSON, when state is not done
    Index("attempt_passage", "passage_id", "extractor_id", "seq"),
)

event = Table(
    "event",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("id", _ID, nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("payload", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Index("event_kind", "kind", "seq"),
)

# --- derived ----------------------------------------------------------------------------------------------------------

source = Table(
    "source",
    metadata,
    Column("source", Text, primary_key=True),
    Column("document_id", _ID, nullable=False, index=True),
)

reading = Table(
    "reading",
    metadata,
    Column("document_id", _ID, ForeignKey("document.id"), primary_key=True),
    Column("extractor_id", _ID, nullable=False),
    Column("max_tokens", Integer, nullable=False),
    Column("overlap_sentences", Integer, nullable=False),
    Column("derived", Integer, nullable=False),  # 1 once mentions and triples of every chunk stand below
)

chunk = Table(
    "chunk",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("document_id", _ID, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("language", String(8), nullable=False),
    Column("passage_id", _ID, nullable=False, index=True),
    Column("state", String(16), nullable=False),  # pending, done, failed, quarantined
    Index("chunk_document", "document_id", "seq"),
    Index("chunk_state", "state"),
)

mention = Table(
    "mention",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("document_id", _ID, nullable=False, index=True),
    Column("chunk_id", _ID, nullable=False, index=True),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("label", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("status", String(16), nullable=False),  # extracted, accepted, added
    Column("node_id", _ID, nullable=False, index=True),
    Column("origin", _ID, index=True),  # the node it had before a person retyped its entity
)

triple = Table(
    "triple",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("document_id", _ID, nullable=False, index=True),
    Column("chunk_id", _ID, nullable=False),
    Column("head", _ID, nullable=False),
    Column("relation", String(128), nullable=False),
    Column("tail", _ID, nullable=False),
    Column("score", Float, nullable=False),
    Column("status", String(16), nullable=False),  # extracted, accepted, added, rejected
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("quote", Text, nullable=False),
    Column("extractor_id", _ID, nullable=False),
    Column("head_node", _ID, nullable=False),
    Column("tail_node", _ID, nullable=False),
    Index("triple_head", "head_node", "relation"),
    Index("triple_tail", "tail_node"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("document_id", _ID, nullable=False, index=True),
    Column("chunk_id", _ID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("claim", Text, nullable=False),
)

node = Table(
    "node",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("label", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("variant", _ID, nullable=False),
    Column("value", Text),  # the normalised form of a date or number
    Column("entity_id", _ID, index=True),
)

surface = Table(
    "surface",
    metadata,
    Column("node_id", _ID, primary_key=True),
    Column("text", Text, primary_key=True),
    Column("n", Integer, nullable=False),
)

block = Table(
    "block",
    metadata,
    Column("block_key", Text, primary_key=True),
    Column("node_id", _ID, primary_key=True, index=True),
)

link = Table(
    "link",
    metadata,
    Column("a", _ID, primary_key=True),
    Column("b", _ID, primary_key=True, index=True),
    Column("score", Float, nullable=False),
    Column("reason", Text, nullable=False),
)

declaration = Table(
    "declaration",
    metadata,
    Column("document_id", _ID, primary_key=True),
    Column("short_node", _ID, primary_key=True, index=True),
    Column("long_node", _ID, primary_key=True, index=True),
)

entity = Table(
    "entity",
    metadata,
    Column("id", _ID, primary_key=True),  # as last written to the graph
    Column("label", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("aliases", Text, nullable=False),  # JSON list, sorted
    Column("value", Text),
    Column("n_mentions", Integer, nullable=False),
    Column("search", Text, nullable=False),  # folded names, for LIKE
    Index("entity_label", "label", "n_mentions"),
    Index("entity_mentions", "n_mentions"),
)

fact = Table(
    "fact",
    metadata,
    Column("id", _ID, primary_key=True),  # as last written to the graph
    Column("head", _ID, nullable=False),
    Column("relation", String(128), nullable=False),
    Column("tail", _ID, nullable=False, index=True),
    Column("score", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("n_evidence", Integer, nullable=False),
    Index("fact_head", "head", "relation"),
    Index("fact_relation", "relation"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("stamp", BigInteger, nullable=False),  # changes when a waiting key is marked again
    Column("kind", String(16), nullable=False),
    Column("a", Text, nullable=False),
    Column("b", Text, nullable=False),
    Column("c", Text, nullable=False),
    UniqueConstraint("kind", "a", "b", "c", name="outbox_key"),
)

DERIVED = (
    source,
    reading,
    chunk,
    mention,
    triple,
    quarantine,
    node,
    surface,
    block,
    link,
    declaration,
    entity,
    fact,
    outbox,
)
"""Tables that replay empties, in no order that matters."""

# --- files that need not be read again ------------------------------------------------------------------------------

seen = Table(
    "seen",
    metadata,
    Column("source", Text, primary_key=True),  # a file all of whose documents stand
    Column("stamp", Text, nullable=False),  # its size and time of change, and what read it
)

# --- the app's queue --------------------------------------------------------------------------------------------------

job = Table(
    "job",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("seq", Integer, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),  # queued, running, cancelling, done, failed, cancelled
    Column("progress", Text, nullable=False),
    Column("error", Text),
    Column("author", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
)

failure = Table(
    "failure",
    metadata,
    Column("source", Text, primary_key=True),  # a file that could not be read, until it is read or removed
    Column("what", Text, nullable=False),
    Column("where", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("at", String(32), nullable=False),
)
