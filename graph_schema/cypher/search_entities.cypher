// Entities by name, best first; $query is in the language of the full-text index.
CALL db.index.fulltext.queryNodes($index, $query) YIELD node, score
RETURN node.id, node.label_id, node.label, node.name, node.aliases, node.value, node.n_mentions, node.search
ORDER BY score DESC, node.name, node.id
LIMIT $limit
