-- +goose NO TRANSACTION
-- +goose Up

-- Members by the start of their name.
CREATE INDEX members_name ON members (name);
