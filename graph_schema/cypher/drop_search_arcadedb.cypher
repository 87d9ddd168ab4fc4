// Drop the name index, in ArcadeDB's SQL: removing many names from it one by one takes most of the time of a clear.
DROP INDEX `Entity[search]` IF EXISTS
