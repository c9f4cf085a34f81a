-- +goose Up

-- Orders of the last days, without reading the rows. Grows at its end only.
CREATE INDEX orders_placed ON orders (placed_at, kind, person_id, union_id, address_hash);
