-- Version 4: which item has an id is told by a table of its own. An import's new ids come in hash order, so at random: each would touch another
-- page of an index. They wait in memory until there are many and then come in sorted.

DROP VIEW items;

CREATE TABLE items_v4 (
  position       INTEGER PRIMARY KEY,    -- 0, 1, 2, ... without gaps
  id             TEXT NOT NULL,
  preview        TEXT NOT NULL,
  turns          INTEGER NOT NULL,
  responses      INTEGER NOT NULL,       -- how many
  first_response INTEGER NOT NULL        -- responses.id of the first of them; the others follow it
);
INSERT INTO items_v4 SELECT position, id, preview, turns, responses, first_response FROM all_items ORDER BY position;
DROP TABLE all_items;
ALTER TABLE items_v4 RENAME TO all_items;

CREATE VIEW items AS SELECT * FROM all_items WHERE position < (SELECT positions FROM visible);

-- Of every item that can be seen, and of some that an import is bringing.
CREATE TABLE ids (
  id       BLOB PRIMARY KEY NOT NULL,    -- all_items.id, its bytes
  position INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO ids SELECT unhex(id), position FROM all_items ORDER BY id;

-- What near duplicates are found by (`analysis::near`), for items that came with an import of this version or later.
CREATE TABLE signatures (
  item      INTEGER PRIMARY KEY REFERENCES all_items(position),
  signature BLOB NOT NULL
);
