// Remove entities and every relationship they have.
UNWIND $rows AS row
MATCH (n:Entity {id: row.id})
DETACH DELETE n
