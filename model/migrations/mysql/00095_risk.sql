-- +goose NO TRANSACTION
-- +goose Up

-- What the city federation set for a rule of risk; a rule without a row works with the figures in the program.
CREATE TABLE IF NOT EXISTS risk_rules (
  code VARCHAR(40) NOT NULL, -- see service/risk
  enabled TINYINT(1) NOT NULL,
  threshold BIGINT NOT NULL, -- fires at this many (persons, pieces, refunds …)
  percent INT NOT NULL, -- 0: the rule has none
  least BIGINT NOT NULL, -- judged only from so many on; 0: the rule has none
  window_days INT NOT NULL,
  minutes INT NOT NULL, -- 0: the rule has none
  set_by BIGINT NOT NULL,
  set_at DATETIME(3) NOT NULL,
  PRIMARY KEY (code)
);

-- How far a rule has looked.
CREATE TABLE IF NOT EXISTS risk_runs (
  code VARCHAR(40) NOT NULL,
  looked_to DATETIME(3) NOT NULL, -- everything that happened before was looked at
  found INT NOT NULL, -- in the last run
  took_ms BIGINT NOT NULL, -- the last run
  PRIMARY KEY (code)
);

-- Something that somebody should look at. It blocks nothing and changes nothing. No personal data: ids, counts and hashes.
CREATE TABLE IF NOT EXISTS risk_signals (
  id BIGINT NOT NULL,
  rule VARCHAR(40) NOT NULL,
  subject_type VARCHAR(16) NOT NULL, -- address | device | person | supplier | hall | cashier | union | grant
  subject_key VARCHAR(80) NOT NULL, -- its id; of an address or a device its hash
  bucket VARCHAR(10) NOT NULL, -- China date on which what is seen began: one signal for it, however often it is seen
  union_id BIGINT NOT NULL, -- the lowest union that holds all it is about, for scope
  supplier_id BIGINT NULL,
  first_at DATETIME(3) NOT NULL, -- of what is seen
  last_at DATETIME(3) NOT NULL,
  size BIGINT NOT NULL, -- what the rule counts
  score INT NOT NULL, -- 50 at the threshold, at most 100
  basis VARCHAR(400) NOT NULL, -- the rule in one sentence, as it was when it fired
  figures_json TEXT NOT NULL,
  evidence_json TEXT NOT NULL, -- ids
  status VARCHAR(16) NOT NULL, -- open | confirmed | dismissed
  version INT NOT NULL, -- rises with every change: what is reviewed is what was looked at
  reviewed_size BIGINT NOT NULL, -- the size at the last review; a dismissed signal opens again beyond it
  reviewed_by BIGINT NULL,
  reviewed_at DATETIME(3) NULL,
  review_note VARCHAR(500) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY risk_signals_subject (rule, subject_type, subject_key, bucket),
  KEY risk_signals_status (status, id),
  KEY risk_signals_union (union_id, id)
);
