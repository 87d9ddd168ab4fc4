// Write chunks of documents that are there.
UNWIND $rows AS row
MATCH (d:Document {id: row.document})
MERGE (c:Chunk {id: row.id})
SET c.seq = row.seq, c.start = row.start, c.end = row.end
MERGE (c)-[:PART_OF]->(d)
RETURN count(*) AS n_rows
