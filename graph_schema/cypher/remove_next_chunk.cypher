// Remove which chunk follows which.
UNWIND $rows AS row
MATCH (a:Chunk {id: row.a})
MATCH (b:Chunk {id: row.b})
OPTIONAL MATCH (a)-[r:NEXT]->(b)
DELETE r
