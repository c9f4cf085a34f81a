-- +goose Up

-- How an order came about, and until when one that awaits WeChat money may be paid.
ALTER TABLE orders ADD COLUMN kind VARCHAR(16) NOT NULL DEFAULT 'online'; -- online | counter | group
ALTER TABLE orders ADD COLUMN pay_before DATETIME NULL; -- orders with WeChat money: closed if not paid by then
