-- +goose Up

-- Approved claims of a year by purse and union.
CREATE INDEX claims_year ON claims (year, status, purse, union_id, amount_fen);
