-- +goose NO TRANSACTION
-- +goose Up

-- The keyed hash of the normalised delivery address: tells orders to one address without opening any.
ALTER TABLE orders ADD COLUMN address_hash VARCHAR(64) NOT NULL DEFAULT ''; -- empty: delivered to nobody's address (counter, group), or placed before there was one
