-- Version 1. Opened with WAL, synchronous=FULL and foreign_keys=ON; PRAGMA user_version holds the version.
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    network TEXT NOT NULL,
    genesis BLOB NOT NULL CHECK (length(genesis) = 32),
    rule INTEGER NOT NULL,             -- enum network_rule
    spacing_s INTEGER NOT NULL,
    half_life_s INTEGER NOT NULL,
    cluster BLOB NOT NULL CHECK (length(cluster) = 16),
    epoch INTEGER NOT NULL CHECK (epoch >= 0),
    mark BLOB NOT NULL CHECK (length(mark) = 8)  -- big-endian: SQLite's integers have a sign
) STRICT;

-- In arrival order: of two chains of equal work the one stored first is the tip, also after a restart.
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    parent INTEGER REFERENCES blocks (id),       -- NULL: the genesis, which is in no row
    height INTEGER NOT NULL CHECK (height > 0),
    header BLOB NOT NULL CHECK (length(header) = 80),
    body BLOB NOT NULL,
    worker TEXT NOT NULL,
    arrival_ms INTEGER NOT NULL,
    valid INTEGER NOT NULL DEFAULT 1 CHECK (valid IN (0, 1))
) STRICT;

-- What was being worked on, so that a block found while nobody was here can still be judged. The last few.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    record BLOB NOT NULL
) STRICT;
