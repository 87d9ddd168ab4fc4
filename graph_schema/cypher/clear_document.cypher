// Remove some documents, whichever.
MATCH (n:Document)
WITH n LIMIT $limit
DETACH DELETE n
RETURN count(*) AS n_rows
