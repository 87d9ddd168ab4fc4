// Remember that a migration was applied.
MERGE (v:SchemaVersion {id: 'kgbuilder'})
SET v.version = $version
RETURN v.version AS version
