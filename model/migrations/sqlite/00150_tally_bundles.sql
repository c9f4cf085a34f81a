-- +goose NO TRANSACTION
-- +goose Up

-- Events are stored in bundles now. What waited in the old table is counted from the orders: without its state the rollups are built anew.
DELETE FROM tally_state;
DROP TABLE IF EXISTS tally_events;

-- The changes of counted figures that one transaction made at one moment, written in it; they wait until a worker has added them to the rollups.
CREATE TABLE IF NOT EXISTS tally_bundles (
  id BIGINT NOT NULL,
  at DATETIME NOT NULL, -- of all its events, as the form counts them
  done TINYINT(1) NOT NULL, -- the rollups have them
  events INT NOT NULL, -- how many
  body TEXT NOT NULL, -- the events, see package tally
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS tally_bundles_queue ON tally_bundles (done, at);
