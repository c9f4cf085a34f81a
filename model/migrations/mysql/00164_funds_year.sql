-- +goose NO TRANSACTION
-- +goose Up

-- What all funds of a purse and year were topped up with and still hold.
CREATE INDEX funds_year ON funds (year, purse, union_id, topped_up_fen, balance_fen);
