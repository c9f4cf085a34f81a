-- +goose NO TRANSACTION
-- +goose Up

-- Cases over all unions, the most urgent first.
CREATE INDEX after_sales_urgency ON after_sales (urgency, id, union_id);
