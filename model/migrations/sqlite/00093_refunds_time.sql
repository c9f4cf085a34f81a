-- +goose Up

-- Refunds of the last days.
CREATE INDEX refunds_time ON refunds (refunded_at, order_id);
