// Write facts of one type; the type takes the place of TYPE.
UNWIND $rows AS row
MATCH (h:Entity {id: row.head})
MATCH (t:Entity {id: row.tail})
MERGE (h)-[r:TYPE]->(t)
SET r.id = row.id, r.relation_id = row.relation_id, r.score = row.score, r.status = row.status,
    r.n_evidence = row.n_evidence, r.evidence_documents = row.evidence_documents,
    r.evidence_starts = row.evidence_starts, r.evidence_ends = row.evidence_ends,
    r.evidence_quotes = row.evidence_quotes, r.evidence_extractors = row.evidence_extractors
RETURN count(*) AS n_rows
