-- +goose NO TRANSACTION
-- +goose Up

-- How an order came about, and until when one that awaits WeChat money may be paid.
ALTER TABLE orders
  ADD COLUMN kind VARCHAR(16) NOT NULL DEFAULT 'online', -- online | counter | group
  ADD COLUMN pay_before DATETIME(3) NULL; -- orders with WeChat money: closed if not paid by then
