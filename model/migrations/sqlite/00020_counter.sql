-- +goose Up

-- An offline hall (专馆) where members buy with a code that they show.
CREATE TABLE IF NOT EXISTS halls (
  id BIGINT NOT NULL,
  channel_id BIGINT NOT NULL, -- its sales count in this channel's row of the form
  supplier_id BIGINT NOT NULL, -- who operates it and is owed the money
  name VARCHAR(60) NOT NULL,
  address VARCHAR(120) NOT NULL,
  open_hours VARCHAR(80) NOT NULL,
  confirm_over_fen BIGINT NOT NULL, -- above this the member confirms on the phone; 0: always
  status VARCHAR(16) NOT NULL, -- active | closed
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS halls_name ON halls (name);
CREATE INDEX IF NOT EXISTS halls_supplier ON halls (supplier_id);

-- A code that a member shows at a counter; kept as its hash, works once.
CREATE TABLE IF NOT EXISTS counter_codes (
  code_hash VARCHAR(64) NOT NULL,
  person_id BIGINT NOT NULL,
  live_person_id BIGINT NULL, -- the person while the code can be used, then NULL: at most one each
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL, -- shown until then; accepted for a grace after it
  used_at DATETIME NULL,
  used_by BIGINT NULL, -- the cashier
  PRIMARY KEY (code_hash)
);
CREATE UNIQUE INDEX IF NOT EXISTS counter_codes_live ON counter_codes (live_person_id);
CREATE INDEX IF NOT EXISTS counter_codes_expiry ON counter_codes (expires_at);

-- One use of a member's code at a hall, from the scan to its end.
CREATE TABLE IF NOT EXISTS redemptions (
  id BIGINT NOT NULL,
  hall_id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  cashier_id BIGINT NOT NULL, -- who scanned
  code_hash VARCHAR(64) NOT NULL,
  status VARCHAR(16) NOT NULL, -- scanned | awaiting_member | paid | refused | cancelled | expired | voided
  sale TEXT NOT NULL, -- JSON: what is bought, fixed when the member is asked or charged
  total_fen BIGINT NOT NULL,
  order_id BIGINT NULL,
  scanned_at DATETIME NOT NULL,
  asked_at DATETIME NULL,
  expires_at DATETIME NOT NULL, -- of the state scanned or awaiting_member
  paid_at DATETIME NULL,
  paid_on VARCHAR(10) NOT NULL, -- China date of paid_at: it can be voided on that day; empty until paid
  ended_at DATETIME NULL, -- refused, cancelled or expired without a payment
  voided_at DATETIME NULL,
  voided_by BIGINT NULL,
  void_reason VARCHAR(200) NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS redemptions_code ON redemptions (code_hash);
CREATE UNIQUE INDEX IF NOT EXISTS redemptions_order ON redemptions (order_id);
CREATE INDEX IF NOT EXISTS redemptions_hall ON redemptions (hall_id, paid_on, id);
CREATE INDEX IF NOT EXISTS redemptions_person ON redemptions (person_id, id);
CREATE INDEX IF NOT EXISTS redemptions_open ON redemptions (status, expires_at);
