-- +goose NO TRANSACTION
-- +goose Up

-- The keyed hash of what the member's client calls its device.
ALTER TABLE sessions ADD COLUMN device_hash VARCHAR(64) NOT NULL DEFAULT ''; -- members who agreed to the notice only; empty: not told
