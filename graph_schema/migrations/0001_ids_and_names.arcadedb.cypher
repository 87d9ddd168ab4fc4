// The same in ArcadeDB's SQL, sent over HTTP: its Cypher has no full-text indexes. A unique index would refuse the label
// of an entity that was made in the same transaction, so ids are kept unique by the one writer and MERGE.
CREATE VERTEX TYPE Document IF NOT EXISTS;
CREATE VERTEX TYPE Chunk IF NOT EXISTS;
CREATE VERTEX TYPE Entity IF NOT EXISTS;
CREATE VERTEX TYPE SchemaVersion IF NOT EXISTS;
CREATE PROPERTY Document.id IF NOT EXISTS STRING;
CREATE PROPERTY Chunk.id IF NOT EXISTS STRING;
CREATE PROPERTY Entity.id IF NOT EXISTS STRING;
CREATE PROPERTY Entity.search IF NOT EXISTS STRING;
CREATE INDEX IF NOT EXISTS ON Document (id) NOTUNIQUE;
CREATE INDEX IF NOT EXISTS ON Chunk (id) NOTUNIQUE;
CREATE INDEX IF NOT EXISTS ON Entity (id) NOTUNIQUE;
CREATE INDEX IF NOT EXISTS ON Entity (search) FULL_TEXT METADATA {"analyzer": "org.apache.lucene.analysis.cjk.CJKAnalyzer"};
CREATE EDGE TYPE PART_OF IF NOT EXISTS;
CREATE EDGE TYPE NEXT IF NOT EXISTS;
CREATE EDGE TYPE MENTIONED_IN IF NOT EXISTS;
