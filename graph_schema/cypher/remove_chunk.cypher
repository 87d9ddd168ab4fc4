// Remove chunks and every relationship they have.
UNWIND $rows AS row
MATCH (n:Chunk {id: row.id})
DETACH DELETE n
