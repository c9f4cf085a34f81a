-- +goose NO TRANSACTION
-- +goose Up

-- A purchase made through another recognised channel, entered by a union with its evidence.
CREATE TABLE IF NOT EXISTS claims (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL, -- the form counts it here
  channel_id BIGINT NOT NULL, -- the form's row
  purchased_on VARCHAR(10) NOT NULL, -- China date
  year INT NOT NULL, -- of purchased_on
  amount_fen BIGINT NOT NULL,
  person_times BIGINT NOT NULL, -- how many persons are listed, or as entered
  listed TINYINT(1) NOT NULL, -- true: claim_persons says who
  even_split TINYINT(1) NOT NULL, -- true: the listed persons' shares were split evenly by the program
  purse VARCHAR(16) NOT NULL, -- extra | festival | hardship | activity
  invoice_code VARCHAR(20) NOT NULL, -- of a bill with a code and a number, else empty
  invoice_no VARCHAR(40) NOT NULL,
  live_invoice VARCHAR(64) NULL, -- code and number until withdrawn, rejected or revoked, then NULL: one bill counts once in the city
  note VARCHAR(200) NOT NULL,
  status VARCHAR(16) NOT NULL, -- entered | approved | rejected | withdrawn | revoked
  version INT NOT NULL, -- rises with every correction: what is approved is what was looked at
  entered_by BIGINT NOT NULL, -- who entered what stands there now
  entered_at DATETIME(3) NOT NULL,
  decided_by BIGINT NULL,
  decided_at DATETIME(3) NULL,
  decision_note VARCHAR(200) NOT NULL,
  counted_at DATETIME(3) NULL, -- when it was approved: the form counts it from then on
  revoked_by BIGINT NULL,
  revoked_at DATETIME(3) NULL, -- the form takes it off from then on
  revoke_reason VARCHAR(200) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY claims_invoice (live_invoice),
  KEY claims_union_counted (union_id, year, counted_at),
  KEY claims_union (union_id, status, id),
  KEY claims_channel (channel_id, id)
);

-- Who took part in a listed claim, and each one's share of it.
CREATE TABLE IF NOT EXISTS claim_persons (
  claim_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL, -- the shares add up to the claim
  PRIMARY KEY (claim_id, member_id),
  KEY claim_persons_person (person_id)
);

-- The pictures and documents that prove a claim.
CREATE TABLE IF NOT EXISTS claim_files (
  claim_id BIGINT NOT NULL,
  seq INT NOT NULL,
  file_id BIGINT NOT NULL,
  PRIMARY KEY (claim_id, seq),
  KEY claim_files_file (file_id)
);
