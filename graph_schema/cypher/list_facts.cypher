// Facts whose head has an id in a range.
MATCH (h:Entity)
WHERE h.id >= $low AND h.id < $high
MATCH (h)-[r]->(t:Entity)
RETURN r.id, h.id, r.relation_id, type(r), t.id, r.score, r.status, r.n_evidence, r.evidence_documents,
       r.evidence_starts, r.evidence_ends, r.evidence_quotes, r.evidence_extractors
