-- +goose NO TRANSACTION
-- +goose Up

-- members_name_union takes its place.
DROP INDEX members_name ON members;
