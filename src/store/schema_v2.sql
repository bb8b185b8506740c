-- Version 2: an item can be put off ("later") or practised on, which stand beside label and skip, and commented on. Only views change; no row does.

DROP VIEW current_flags;
DROP VIEW current_labels;
DROP VIEW standing_events;

CREATE VIEW standing_events AS
SELECT e.* FROM events e
WHERE e.kind IN ('label', 'skip', 'later', 'practice', 'comment', 'flag', 'unflag')
  AND e.item IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM unread_events u WHERE u.event = e.id)
  AND coalesce((SELECT u.kind FROM events u
                WHERE u.target = e.id AND u.annotator = e.annotator
                  AND NOT EXISTS (SELECT 1 FROM unread_events x WHERE x.event = u.id)
                ORDER BY u.id DESC LIMIT 1), 'redo') <> 'undo';

CREATE VIEW current_labels AS
SELECT item, annotator, max(id) AS event, kind, payload, time, app_version
FROM standing_events WHERE kind IN ('label', 'skip', 'later', 'practice') GROUP BY item, annotator;

CREATE VIEW current_flags AS
SELECT item, annotator, event, json_extract(payload, '$.note') AS note FROM (
  SELECT item, annotator, max(id) AS event, kind, payload
  FROM standing_events WHERE kind IN ('flag', 'unflag') GROUP BY item, annotator
) WHERE kind = 'flag';

CREATE INDEX events_of_schema ON events (id) WHERE kind = 'schema';
CREATE INDEX events_of_guidelines ON events (id) WHERE kind = 'guidelines';
