-- +goose NO TRANSACTION
-- +goose Up

-- Members by the start of their name over all unions, without reading their rows; it takes the place of members_name.
ALTER TABLE members ADD INDEX members_name_union (name, id, union_id, status), DROP INDEX members_name;
