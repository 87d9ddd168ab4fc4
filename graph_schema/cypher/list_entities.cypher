// Entities whose id lies in a range, in order.
MATCH (n:Entity)
WHERE n.id >= $low AND n.id < $high
RETURN n.id, n.label_id, n.label, n.name, n.aliases, n.value, n.n_mentions, n.search
ORDER BY n.id
