-- +goose NO TRANSACTION
-- +goose Up

-- The keyed digest of the whole entry, made when it is written.
ALTER TABLE audit_entries ADD COLUMN mac VARCHAR(64) NOT NULL DEFAULT ''; -- "1." and base64url; empty: written before there was one
