-- +goose NO TRANSACTION
-- +goose Up

-- A union buys for many of its members from a fund (集体采购): drafted by one, approved, and thereby ordered, by another.
CREATE TABLE IF NOT EXISTS group_purchases (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  fund_id BIGINT NOT NULL,
  purse VARCHAR(16) NOT NULL,
  year INT NOT NULL,
  title VARCHAR(100) NOT NULL,
  selection VARCHAR(16) NOT NULL, -- roster | filter | list
  filter_json VARCHAR(1000) NOT NULL,
  division VARCHAR(16) NOT NULL, -- even: the total is split evenly | each: by sets, at their price
  consignee VARCHAR(60) NOT NULL, -- who takes delivery at the unit
  phone_sealed VARCHAR(255) NOT NULL,
  address_sealed VARCHAR(1200) NOT NULL, -- JSON, as in orders
  note VARCHAR(200) NOT NULL, -- for the suppliers
  receivers INT NOT NULL,
  total_fen BIGINT NOT NULL, -- at the prices of the draft; approving checks them
  status VARCHAR(16) NOT NULL, -- draft | ordered | rejected | cancelled
  order_id BIGINT NULL, -- once approved
  drafted_by BIGINT NOT NULL,
  drafted_at DATETIME(3) NOT NULL,
  decided_by BIGINT NULL,
  decided_at DATETIME(3) NULL,
  decision_note VARCHAR(200) NOT NULL,
  cancel_asked_by BIGINT NULL, -- somebody asks to cancel the order
  cancel_asked_at DATETIME(3) NULL,
  cancel_reason VARCHAR(200) NOT NULL,
  cancel_decided_by BIGINT NULL, -- a second person has it cancelled
  cancel_decided_at DATETIME(3) NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY group_purchases_order (order_id),
  KEY group_purchases_union (union_id, year, id)
);

CREATE TABLE IF NOT EXISTS group_lines (
  id BIGINT NOT NULL,
  purchase_id BIGINT NOT NULL,
  sku_id BIGINT NOT NULL,
  product_name VARCHAR(120) NOT NULL,
  spec VARCHAR(80) NOT NULL,
  price_fen BIGINT NOT NULL,
  per_set BIGINT NOT NULL, -- division each: pieces in a set; even: 0
  quantity BIGINT NOT NULL, -- in all
  PRIMARY KEY (id),
  UNIQUE KEY group_lines_sku (purchase_id, sku_id)
);

CREATE TABLE IF NOT EXISTS group_receivers (
  id BIGINT NOT NULL,
  purchase_id BIGINT NOT NULL,
  member_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  sets BIGINT NOT NULL, -- division each: how many sets; even: 0
  share_fen BIGINT NOT NULL,
  returned_fen BIGINT NOT NULL, -- the share's part of all refunds of the order
  PRIMARY KEY (id),
  UNIQUE KEY group_receivers_member (purchase_id, member_id),
  KEY group_receivers_person (person_id, id)
);

-- Who has received: a row is never deleted; undoing it ends it at that moment.
CREATE TABLE IF NOT EXISTS group_signoffs (
  id BIGINT NOT NULL,
  purchase_id BIGINT NOT NULL,
  receiver_id BIGINT NOT NULL,
  live_receiver_id BIGINT NULL, -- the same until undone, then NULL: nobody has signed twice
  method VARCHAR(16) NOT NULL, -- member: in the mini-program | paper: entered by staff
  signed_by BIGINT NOT NULL, -- the person, or the staff who entered it
  signed_at DATETIME(3) NOT NULL, -- when it was signed or entered: the form counts it from then
  note VARCHAR(200) NOT NULL,
  undone_by BIGINT NULL,
  undone_at DATETIME(3) NULL, -- the form counts it up to then
  undo_reason VARCHAR(200) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY group_signoffs_live (live_receiver_id),
  KEY group_signoffs_purchase (purchase_id, signed_at),
  KEY group_signoffs_receiver (receiver_id)
);
