// Remove documents and every relationship they have.
UNWIND $rows AS row
MATCH (n:Document {id: row.id})
DETACH DELETE n
