// Write documents.
UNWIND $rows AS row
MERGE (d:Document {id: row.id})
SET d.name = row.name, d.source = row.source, d.sha256 = row.sha256, d.language = row.language,
    d.media_type = row.media_type, d.n_chars = row.n_chars, d.n_chunks = row.n_chunks
RETURN count(*) AS n_rows
