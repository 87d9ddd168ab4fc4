// Count facts and their evidence.
MATCH (:Entity)-[r]->(:Entity)
RETURN count(r) AS facts, sum(r.n_evidence) AS evidence
