-- +goose Up

-- One version of what a union entered as its budget of a year: versions are only added, the latest confirmed one counts.
CREATE TABLE IF NOT EXISTS union_budgets (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  year INT NOT NULL,
  version INT NOT NULL, -- 1, 2 …
  budget_fen BIGINT NOT NULL, -- 当年本级工会经费预算支出
  retained_fen BIGINT NOT NULL, -- 工会留成经费
  basis VARCHAR(16) NOT NULL, -- budget | retained: which of the two limits the union chose
  headcount INT NOT NULL, -- active members when it was entered, for the second person's judgement
  note VARCHAR(200) NOT NULL,
  status VARCHAR(16) NOT NULL, -- entered | confirmed
  entered_by BIGINT NOT NULL,
  entered_at DATETIME NOT NULL,
  confirmed_by BIGINT NULL,
  confirmed_at DATETIME NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS union_budgets_version ON union_budgets (union_id, year, version);

-- What the city federation set as the limits on holiday gifts of a year; a year without a row has those of the notice.
CREATE TABLE IF NOT EXISTS limit_rules (
  year INT NOT NULL,
  warn_percent INT NOT NULL, -- of the budget: warned above
  max_percent INT NOT NULL, -- of the budget: the most
  retained_percent INT NOT NULL, -- of the retained funds: the most
  average_fen BIGINT NOT NULL, -- a member and year, on average
  enforce TINYINT(1) NOT NULL, -- what goes beyond is refused; else it is only warned of
  document_no VARCHAR(60) NOT NULL, -- of the rule: 粤工总〔2018〕5号
  notice_document_no VARCHAR(60) NOT NULL, -- of the notice that quotes it: 湛工总〔2023〕25号
  entered_by BIGINT NOT NULL,
  entered_at DATETIME NOT NULL,
  PRIMARY KEY (year)
);
