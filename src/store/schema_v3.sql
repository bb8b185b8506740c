-- Version 3: what an import brings is seen when the import is finished, and goes again when it is not. Meanwhile its items stand at the end of
-- `all_items`, from a position that `arriving` tells; what it says of older items waits in tables of its own.

ALTER TABLE items RENAME TO all_items;

CREATE TABLE arriving (
  one            INTEGER PRIMARY KEY CHECK (one = 1),
  state          TEXT NOT NULL,          -- 'filling'; then 'finishing': seen, some still in the tables below; or 'leaving': being removed
  first_position INTEGER NOT NULL,
  first_response INTEGER NOT NULL,
  first_file     INTEGER NOT NULL
);

-- Where the visible ends.
CREATE VIEW visible AS
SELECT coalesce((SELECT first_position FROM arriving WHERE state <> 'finishing'), 9223372036854775807) AS positions,
       coalesce((SELECT first_response FROM arriving WHERE state <> 'finishing'), 9223372036854775807) AS responses;

CREATE VIEW items AS SELECT * FROM all_items WHERE position < (SELECT positions FROM visible);

CREATE TABLE arriving_sources (
  item INTEGER NOT NULL, file INTEGER NOT NULL, row INTEGER NOT NULL, content TEXT NOT NULL,
  id TEXT, "order" TEXT NOT NULL, models TEXT NOT NULL, extra TEXT NOT NULL,
  UNIQUE (item, file, row, content)
);

CREATE TABLE arriving_labels (
  item INTEGER NOT NULL, content TEXT NOT NULL, file INTEGER NOT NULL, row INTEGER NOT NULL, place INTEGER NOT NULL,
  role TEXT NOT NULL, annotator TEXT, time TEXT, judgment TEXT NOT NULL, extra TEXT NOT NULL,
  UNIQUE (item, content)
);

-- Words of every item, for search; its rows are positions. What is in it is at the positions before meta's `search.next`; the writer goes on
-- with it whenever it has nothing else to do. It holds no text of its own, and of a word only in which items it is.
CREATE VIRTUAL TABLE search USING fts5 (text, content = '', columnsize = 0, detail = none, tokenize = "unicode61 remove_diacritics 0");
