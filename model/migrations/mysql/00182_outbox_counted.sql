-- +goose NO TRANSACTION
-- +goose Up

-- Messages by topic and state, by id, with their unions: lists and counts. It takes the place of outbox_listing.
CREATE INDEX outbox_counted ON outbox (topic, status, id, union_id);
