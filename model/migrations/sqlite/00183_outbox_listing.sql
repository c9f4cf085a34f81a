-- +goose NO TRANSACTION
-- +goose Up

-- outbox_counted begins with its columns.
DROP INDEX outbox_listing;
