// Write which chunk follows which.
UNWIND $rows AS row
MATCH (a:Chunk {id: row.a})
MATCH (b:Chunk {id: row.b})
MERGE (a)-[:NEXT]->(b)
RETURN count(*) AS n_rows
