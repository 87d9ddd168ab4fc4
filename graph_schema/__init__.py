"""What the graph holds: ontologies, safe names, Cypher statements and schema migrations."""

from graph_schema.errors import SchemaError
from graph_schema.load import list_packs, load_ontology
from graph_schema.names import fold, node_label, quoted, relationship_type
from graph_schema.ontology import EntityType, Ontology, RelationType, narrow
from graph_schema.statements import Migration, migrations, statement

__all__ = [
    "EntityType",
    "Migration",
    "Ontology",
    "RelationType",
    "SchemaError",
    "fold",
    "list_packs",
    "load_ontology",
    "migrations",
    "narrow",
    "node_label",
    "quoted",
    "relationship_type",
    "statement",
]
