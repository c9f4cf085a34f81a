-- +goose NO TRANSACTION
-- +goose Up

-- Where a supplier's money is sent, one row a version: a new or changed account counts once another person has confirmed it.
CREATE TABLE IF NOT EXISTS supplier_bank_accounts (
  id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  version INT NOT NULL, -- 1, 2 … of the supplier
  account_name VARCHAR(120) NOT NULL, -- 户名
  bank VARCHAR(120) NOT NULL, -- 开户行, with its branch
  account_no_sealed VARCHAR(255) NOT NULL,
  account_no_tail VARCHAR(4) NOT NULL, -- its last four digits, to be shown
  status VARCHAR(16) NOT NULL, -- entered | confirmed | rejected | replaced
  open_supplier_id BIGINT NULL, -- the supplier while the row awaits its confirmation, else NULL: one at a time
  current_supplier_id BIGINT NULL, -- the supplier while this is the account in use, else NULL: one at a time
  entered_by BIGINT NOT NULL,
  entered_at DATETIME NOT NULL,
  decided_by BIGINT NULL,
  decided_at DATETIME NULL,
  decision_note VARCHAR(200) NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS supplier_bank_accounts_version ON supplier_bank_accounts (supplier_id, version);
CREATE UNIQUE INDEX IF NOT EXISTS supplier_bank_accounts_open ON supplier_bank_accounts (open_supplier_id);
CREATE UNIQUE INDEX IF NOT EXISTS supplier_bank_accounts_current ON supplier_bank_accounts (current_supplier_id);

-- One run of paying suppliers: made by one person, confirmed by another.
CREATE TABLE IF NOT EXISTS settlement_batches (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL, -- the federation that pays
  period_from VARCHAR(10) NOT NULL, -- China date of the oldest movement in it; empty while nothing is in it
  period_to VARCHAR(10) NOT NULL, -- China date: what was due by its end is in it
  cut_at DATETIME NOT NULL, -- the same as a moment, not after the making
  suppliers_json TEXT NOT NULL, -- ids of the chosen suppliers; [] all
  after_supplier_id BIGINT NOT NULL, -- how far the preparation has come: suppliers by rising id
  status VARCHAR(16) NOT NULL, -- preparing | draft | confirmed | exported | paid | failed | cancelled
  note VARCHAR(200) NOT NULL,
  stop_reason VARCHAR(200) NOT NULL, -- why it was cancelled
  settlements INT NOT NULL,
  total_fen BIGINT NOT NULL, -- sum of its settlements
  paid_fen BIGINT NOT NULL, -- of these paid
  exports INT NOT NULL, -- how often the bank file was made
  exported_at DATETIME NULL, -- for the first time
  made_by BIGINT NOT NULL,
  made_at DATETIME NOT NULL,
  confirmed_by BIGINT NULL,
  confirmed_at DATETIME NULL,
  closed_at DATETIME NULL, -- when the last settlement was paid or failed, or it was cancelled
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS settlement_batches_union ON settlement_batches (union_id, id);

-- What one supplier is paid in a batch. One without an amount (skipped) only tells why the supplier is not in it.
CREATE TABLE IF NOT EXISTS settlements (
  id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  bank_account_id BIGINT NULL, -- version of the account that the money goes to; NULL if skipped
  amount_fen BIGINT NOT NULL, -- sum of its items
  items INT NOT NULL,
  status VARCHAR(16) NOT NULL, -- open | paid | failed | cancelled | skipped
  reason VARCHAR(200) NOT NULL, -- why failed or skipped
  evidence_no VARCHAR(80) NOT NULL, -- number of the bank's receipt
  evidence_file_id BIGINT NULL,
  decided_by BIGINT NULL, -- who marked it paid or failed
  decided_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS settlements_supplier ON settlements (batch_id, supplier_id);
CREATE INDEX IF NOT EXISTS settlements_of ON settlements (supplier_id, id);

-- The transfers of a supplier's account that a settlement pays. Never deleted: one that failed keeps them as history.
CREATE TABLE IF NOT EXISTS settlement_items (
  settlement_id BIGINT NOT NULL,
  transfer_id BIGINT NOT NULL,
  live_transfer_id BIGINT NULL, -- the same until the settlement failed or was cancelled, then NULL: a transfer is paid once
  supplier_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL, -- signed: spends are positive, refunds negative
  PRIMARY KEY (settlement_id, transfer_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS settlement_items_live ON settlement_items (live_transfer_id);
CREATE INDEX IF NOT EXISTS settlement_items_order ON settlement_items (supplier_id, order_id);
