-- +goose NO TRANSACTION
-- +goose Up

-- What was put into the fund from the bank, kept by the movements that do it: what left the fund otherwise is this less the balance.
ALTER TABLE funds ADD COLUMN topped_up_fen BIGINT NOT NULL DEFAULT 0;
