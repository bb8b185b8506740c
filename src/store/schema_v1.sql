-- Version 1 of the project file. Everything a person did is in `events`; `outcomes`, `flags` and `unread_events` follow from it and
-- are rebuilt whenever they lag behind. Ids are hexadecimal, structured values JSON, times RFC 3339.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL                    -- JSON
) WITHOUT ROWID;

-- Items in the order of their arrival. Small rows: lists and queues read them without touching a conversation.
CREATE TABLE items (
  position       INTEGER PRIMARY KEY,    -- 0, 1, 2, ... without gaps; nothing is ever removed
  id             TEXT NOT NULL UNIQUE,
  preview        TEXT NOT NULL,
  turns          INTEGER NOT NULL,
  responses      INTEGER NOT NULL,       -- how many
  first_response INTEGER NOT NULL        -- responses.id of the first of them; the others follow it
);

CREATE TABLE contexts (
  item  INTEGER PRIMARY KEY REFERENCES items(position),
  turns TEXT NOT NULL                    -- JSON list of {role, content, ...}
);

CREATE TABLE responses (
  id         INTEGER PRIMARY KEY,        -- 1, 2, 3, ... without gaps
  item       INTEGER NOT NULL REFERENCES items(position),
  hash       TEXT NOT NULL,
  occurrence INTEGER NOT NULL,           -- which among identical ones
  turns      TEXT NOT NULL
);

CREATE TABLE files (
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,
  format TEXT NOT NULL,
  UNIQUE (name, format)
);

CREATE TABLE sources (
  item    INTEGER NOT NULL REFERENCES items(position),
  file    INTEGER NOT NULL REFERENCES files(id),
  row     INTEGER NOT NULL,              -- from 1
  content TEXT NOT NULL,                 -- hash of what follows
  id      TEXT,
  "order" TEXT NOT NULL,                 -- canonical index of each response of the row
  models  TEXT NOT NULL,
  extra   TEXT NOT NULL,
  PRIMARY KEY (item, file, row, content)
) WITHOUT ROWID;

CREATE TABLE reference_labels (
  item      INTEGER NOT NULL REFERENCES items(position),
  content   TEXT NOT NULL,               -- hash of what was said, by whom and when, and of which among equals in its row
  file      INTEGER NOT NULL REFERENCES files(id),   -- where it was first met
  row       INTEGER NOT NULL,
  place     INTEGER NOT NULL,            -- among the labels of that row
  role      TEXT NOT NULL,
  annotator TEXT,
  time      TEXT,
  judgment  TEXT NOT NULL,
  extra     TEXT NOT NULL,
  PRIMARY KEY (item, content)
) WITHOUT ROWID;

CREATE TABLE events (
  seq         INTEGER PRIMARY KEY,       -- order of arrival in this file; means nothing in another
  id          TEXT NOT NULL UNIQUE,      -- UUIDv7; the log is read in this order
  annotator   TEXT NOT NULL,
  item        TEXT,                      -- items.id; need not be there
  kind        TEXT NOT NULL,
  payload     TEXT NOT NULL,             -- JSON
  time        TEXT NOT NULL,
  app_version TEXT NOT NULL,
  target      TEXT GENERATED ALWAYS AS (
    CASE WHEN kind IN ('undo', 'redo') AND json_valid(payload) THEN lower(json_extract(payload, '$.target')) END
  ) VIRTUAL
);
CREATE INDEX events_of_item ON events (item, annotator, id);
CREATE INDEX events_of_annotator ON events (annotator, id);
CREATE INDEX events_on_target ON events (target, annotator, id) WHERE target IS NOT NULL;
CREATE INDEX events_of_policy ON events (id) WHERE kind = 'policy';

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
-- INSERT OR REPLACE would delete without asking the trigger above.
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq OR id = NEW.id)
BEGIN SELECT RAISE(IGNORE); END;

-- Events of a familiar kind whose payload this version of the program cannot read; they count for nothing.
CREATE TABLE unread_events (event TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;

-- Deeds that count: not undone by the last undo or redo of their own annotator.
CREATE VIEW standing_events AS
SELECT e.* FROM events e
WHERE e.kind IN ('label', 'skip', 'flag', 'unflag')
  AND e.item IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM unread_events u WHERE u.event = e.id)
  AND coalesce((SELECT u.kind FROM events u
                WHERE u.target = e.id AND u.annotator = e.annotator
                  AND NOT EXISTS (SELECT 1 FROM unread_events x WHERE x.event = u.id)
                ORDER BY u.id DESC LIMIT 1), 'redo') <> 'undo';

-- The last label or skip of each annotator for each item (with max(), SQLite takes the other columns from that row).
CREATE VIEW current_labels AS
SELECT item, annotator, max(id) AS event, kind, payload, time, app_version
FROM standing_events WHERE kind IN ('label', 'skip') GROUP BY item, annotator;

CREATE VIEW current_flags AS
SELECT item, annotator, event, json_extract(payload, '$.note') AS note FROM (
  SELECT item, annotator, max(id) AS event, kind, payload
  FROM standing_events WHERE kind IN ('flag', 'unflag') GROUP BY item, annotator
) WHERE kind = 'flag';

-- The same, kept up with every append, so that no queue or list has to fold the log.
CREATE TABLE outcomes (
  annotator TEXT NOT NULL,
  item      TEXT NOT NULL,
  event     TEXT NOT NULL,
  kind      TEXT NOT NULL,               -- label or skip
  PRIMARY KEY (annotator, item)
) WITHOUT ROWID;
CREATE INDEX outcomes_of_item ON outcomes (item);

CREATE TABLE flags (
  annotator TEXT NOT NULL,
  item      TEXT NOT NULL,
  event     TEXT NOT NULL,
  PRIMARY KEY (annotator, item)
) WITHOUT ROWID;
CREATE INDEX flags_of_item ON flags (item);

-- Labels in the making, kept on every change.
CREATE TABLE drafts (
  annotator TEXT NOT NULL,
  item      TEXT NOT NULL,
  draft     TEXT NOT NULL,
  time      TEXT NOT NULL,
  PRIMARY KEY (annotator, item)
) WITHOUT ROWID;

CREATE TABLE scorers (
  id       INTEGER PRIMARY KEY,
  key      TEXT NOT NULL UNIQUE,         -- hash of weights, template, head and dtype
  name     TEXT NOT NULL,
  weights  TEXT NOT NULL,
  template TEXT NOT NULL,
  head     TEXT NOT NULL,
  dtype    TEXT NOT NULL
);

CREATE TABLE scores (
  scorer     INTEGER NOT NULL REFERENCES scorers(id),
  item       INTEGER NOT NULL REFERENCES items(position),
  response   INTEGER NOT NULL,           -- canonical index
  score      REAL,                       -- NULL: not a number
  attributes TEXT NOT NULL,
  tokens     INTEGER NOT NULL,
  truncated  INTEGER NOT NULL,
  PRIMARY KEY (scorer, item, response)
) WITHOUT ROWID;
