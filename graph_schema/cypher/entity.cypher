// Write entities. The label is data here, so nothing has to be escaped; only a new node gets it (see relabel_entity):
// set on every node, it would make Neo4j hold all rows before it goes on.
UNWIND $rows AS row
MERGE (n:Entity {id: row.id})
ON CREATE SET n:$(row.node_label)
SET n.label_id = row.label_id, n.label = row.label, n.name = row.name, n.aliases = row.aliases, n.value = row.value,
    n.n_mentions = row.n_mentions, n.search = row.search
RETURN count(*) AS n_rows
