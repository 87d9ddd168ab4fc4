// Remove where entities stand. OPTIONAL makes Neo4j look from both ends and take the shorter list.
UNWIND $rows AS row
MATCH (c:Chunk {id: row.chunk})
MATCH (n:Entity {id: row.entity})
OPTIONAL MATCH (c)<-[m:MENTIONED_IN]-(n)
DELETE m
