-- +goose NO TRANSACTION
-- +goose Up

-- Members in a state over all unions, by id.
CREATE INDEX members_status ON members (status, id, union_id);
