// Entities whose names hold a text anywhere, shortest first: for what a full-text index does not know.
MATCH (n:Entity)
WHERE toLower(n.search) CONTAINS toLower($text) OR toLower(n.name) CONTAINS toLower($text)
RETURN n.id, n.label_id, n.label, n.name, n.aliases, n.value, n.n_mentions, n.search
ORDER BY size(n.name), n.name, n.id
LIMIT $limit
