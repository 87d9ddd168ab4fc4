// Remove facts, of any type. OPTIONAL makes Neo4j look from both ends and take the shorter list.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head})
MATCH (t:Entity {id: row.tail})
OPTIONAL MATCH (h)-[r]->(t) WHERE type(r) = row.type
DELETE r
