// The newest migration that was applied; null before the first.
MATCH (v:SchemaVersion {id: 'kgbuilder'})
RETURN max(v.version) AS version
