-- +goose NO TRANSACTION
-- +goose Up

-- Members of a department over all unions, by id.
CREATE INDEX members_department ON members (department, id, union_id);
