-- +goose NO TRANSACTION
-- +goose Up

-- The chain over the audit trail: each seal holds some entries, in the order of their ids, and the hash of the seal before it. Only
-- added to; never changed, never deleted.
CREATE TABLE IF NOT EXISTS audit_seals (
  seq BIGINT NOT NULL, -- 1, 2, 3 …
  sealed_at DATETIME(3) NOT NULL,
  entries INT NOT NULL, -- how many
  first_id BIGINT NOT NULL, -- the lowest id among them
  last_id BIGINT NOT NULL, -- the highest
  members TEXT NOT NULL, -- all ids, base64url of unsigned varints: the first, then each one's distance from the one before
  hash VARCHAR(64) NOT NULL, -- keyed, over the hash of the seal before, the columns above and the entries' MACs
  PRIMARY KEY (seq),
  KEY audit_seals_last (last_id)
);
