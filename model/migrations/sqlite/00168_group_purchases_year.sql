-- +goose Up

-- Group purchases of a year.
CREATE INDEX group_purchases_year ON group_purchases (year, order_id);
