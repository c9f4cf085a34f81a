-- +goose NO TRANSACTION
-- +goose Up

-- Logins of the last days, without reading the rows.
CREATE INDEX sessions_created ON sessions (created_at, device_hash, subject_id);
