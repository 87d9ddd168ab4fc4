// Give entities that have another label the one of their row.
UNWIND $rows AS row
MATCH (n:Entity {id: row.id})
WHERE NOT row.node_label IN labels(n)
WITH n, row, [label IN labels(n) WHERE label <> 'Entity'] AS stale
REMOVE n:$(stale)
SET n:$(row.node_label)
RETURN count(*) AS n_rows
