// Count what is in the graph, but for facts.
RETURN count { (:Document) } AS documents, count { (:Chunk) } AS chunks, count { (:Entity) } AS entities
