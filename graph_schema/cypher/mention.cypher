// Write where entities stand. From the chunk, which has few relationships: an entity may have very many.
UNWIND $rows AS row
MATCH (c:Chunk {id: row.chunk})
MATCH (n:Entity {id: row.entity})
MERGE (c)<-[m:MENTIONED_IN]-(n)
SET m.starts = row.starts, m.ends = row.ends, m.texts = row.texts
RETURN count(*) AS n_rows
