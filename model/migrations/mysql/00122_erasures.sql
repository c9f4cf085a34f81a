-- +goose NO TRANSACTION
-- +goose Up

-- A person's demand to have its personal data erased: asked by the member or entered for it, drafted by one, approved by another.
CREATE TABLE IF NOT EXISTS erasures (
  id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  open_person_id BIGINT NULL, -- the same until it has ended, then NULL: one at a time
  account_id BIGINT NULL, -- the WeChat account that was bound when it was approved
  union_id BIGINT NOT NULL, -- of the membership, for scope
  by_member TINYINT(1) NOT NULL, -- asked in the mini-program
  waive_balance TINYINT(1) NOT NULL, -- what is left of the year may go back to the union
  reason VARCHAR(200) NOT NULL, -- the drafter's
  status VARCHAR(16) NOT NULL, -- requested | drafted | approved | blocked | done | rejected | withdrawn
  requested_at DATETIME(3) NOT NULL,
  drafted_by BIGINT NULL,
  drafted_at DATETIME(3) NULL,
  decided_by BIGINT NULL,
  decided_at DATETIME(3) NULL,
  decision_note VARCHAR(200) NOT NULL,
  problem VARCHAR(300) NOT NULL, -- why it is blocked
  finished_at DATETIME(3) NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY erasures_open (open_person_id),
  KEY erasures_person (person_id),
  KEY erasures_status (status, id)
);

-- How much of a year's cap an erased person had used, so that coming back in the same year does not give the year anew.
CREATE TABLE IF NOT EXISTS cap_tombstones (
  id BIGINT NOT NULL,
  person_id BIGINT NOT NULL, -- who was erased
  hash VARCHAR(64) NULL, -- keyed, of the year and the ID number's hash; NULL when the year is over or somebody came back
  year INT NOT NULL,
  granted_fen BIGINT NOT NULL,
  new_person_id BIGINT NULL, -- who came back: its year begins with granted_fen
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY cap_tombstones_hash (hash, year),
  KEY cap_tombstones_new (new_person_id, year)
);
