// Remove some chunks, whichever.
MATCH (n:Chunk)
WITH n LIMIT $limit
DETACH DELETE n
RETURN count(*) AS n_rows
