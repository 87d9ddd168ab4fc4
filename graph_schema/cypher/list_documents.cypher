// Documents whose id lies in a range, in order.
MATCH (d:Document)
WHERE d.id >= $low AND d.id < $high
RETURN d.id, d.name, d.source, d.sha256, d.language, d.media_type, d.n_chars, d.n_chunks
ORDER BY d.id
