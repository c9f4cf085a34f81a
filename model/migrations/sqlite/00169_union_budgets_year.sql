-- +goose Up

-- Confirmed budgets of a year.
CREATE INDEX union_budgets_year ON union_budgets (year, status, union_id, version, basis, budget_fen, retained_fen);
