-- +goose NO TRANSACTION
-- +goose Up

-- Payments with a problem, which are few.
CREATE INDEX payments_problem ON payments (problem, id);
