-- +goose NO TRANSACTION
-- +goose Up

-- What was received of a supplier's goods, less refunds: one row a supplier, changed by every receipt and by every refund of what was received.
CREATE TABLE IF NOT EXISTS supplier_sums (
  supplier_id BIGINT NOT NULL,
  received_fen BIGINT NOT NULL,
  counted TINYINT(1) NOT NULL, -- receipts of before this table are in it, here and in supplier_hours
  PRIMARY KEY (supplier_id)
);

-- The part of supplier_sums that was received within an hour.
CREATE TABLE IF NOT EXISTS supplier_hours (
  supplier_id BIGINT NOT NULL,
  hour BIGINT NOT NULL, -- hours since 1970 at the end of it: a receipt on the full hour belongs to the hour that ends then
  received_fen BIGINT NOT NULL,
  PRIMARY KEY (supplier_id, hour)
);

-- The movements of a supplier's account on a China day, as far as supplier_mark says.
CREATE TABLE IF NOT EXISTS supplier_days (
  supplier_id BIGINT NOT NULL,
  day INT NOT NULL, -- yyyymmdd
  sold_fen BIGINT NOT NULL,
  refunded_fen BIGINT NOT NULL,
  paid_fen BIGINT NOT NULL,
  first_transfer BIGINT NOT NULL, -- lowest id of these movements
  last_transfer BIGINT NOT NULL, -- highest
  PRIMARY KEY (supplier_id, day)
);

-- How far transfers are in supplier_days; the one row (id 1) is locked by whoever adds to them.
CREATE TABLE IF NOT EXISTS supplier_mark (
  id BIGINT NOT NULL,
  up_to BIGINT NOT NULL, -- transfers with ids up to this one
  PRIMARY KEY (id)
);
