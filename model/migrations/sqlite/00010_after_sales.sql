-- +goose Up

-- After-sales cases: somebody asks for money back for lines of one parcel.
CREATE TABLE IF NOT EXISTS after_sales (
  id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  parcel_id BIGINT NOT NULL,
  supplier_id BIGINT NOT NULL,
  union_id BIGINT NOT NULL, -- of the order, for scope
  person_id BIGINT NOT NULL, -- who asks; 0: the union, for what it bought for a group
  kind VARCHAR(16) NOT NULL, -- refund_only | return_goods
  reason VARCHAR(16) NOT NULL, -- quality | shortage | mismatch | damaged | lost | unwanted | other
  description VARCHAR(500) NOT NULL,
  status VARCHAR(16) NOT NULL, -- open: requested | refused | agreed | returning | escalated; ended: refunded | rejected | withdrawn | closed
  amount_fen BIGINT NOT NULL, -- of its lines
  return_to_sealed TEXT NOT NULL, -- where the goods are to be sent; empty until agreed
  return_carrier VARCHAR(40) NOT NULL,
  return_tracking_no VARCHAR(40) NOT NULL,
  returned_at DATETIME NULL, -- when the goods were sent back
  refund_id BIGINT NULL, -- the refund that it ended in
  deadline_at DATETIME NULL, -- when the clock moves it on; NULL: it waits for the platform, or has ended
  urgency BIGINT NOT NULL, -- order of lists: open cases by deadline, then the ended ones, the last ended first
  created_at DATETIME NOT NULL,
  ended_at DATETIME NULL,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS after_sales_refund ON after_sales (refund_id);
CREATE INDEX IF NOT EXISTS after_sales_order ON after_sales (order_id);
CREATE INDEX IF NOT EXISTS after_sales_parcel ON after_sales (parcel_id, status);
CREATE INDEX IF NOT EXISTS after_sales_person ON after_sales (person_id, id);
CREATE INDEX IF NOT EXISTS after_sales_supplier ON after_sales (supplier_id, urgency, id);
CREATE INDEX IF NOT EXISTS after_sales_union ON after_sales (union_id, urgency, id);
CREATE INDEX IF NOT EXISTS after_sales_due ON after_sales (status, deadline_at);

-- What of which order lines a case is about.
CREATE TABLE IF NOT EXISTS after_sale_lines (
  case_id BIGINT NOT NULL,
  line_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  PRIMARY KEY (case_id, line_id)
);
CREATE INDEX IF NOT EXISTS after_sale_lines_line ON after_sale_lines (line_id);

-- The history of cases: who did what when. Never changed, never deleted.
CREATE TABLE IF NOT EXISTS after_sale_events (
  id BIGINT NOT NULL,
  case_id BIGINT NOT NULL,
  at DATETIME NOT NULL,
  party VARCHAR(16) NOT NULL, -- member | union | supplier | platform | clock
  actor VARCHAR(40) NOT NULL, -- "person:1", "staff:2", "clock"
  action VARCHAR(16) NOT NULL, -- open | agree | refuse | send_back | receive | withdraw | escalate | decide | expire
  status VARCHAR(16) NOT NULL, -- of the case after it
  note VARCHAR(500) NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS after_sale_events_case ON after_sale_events (case_id, id);

-- Pictures that go with a case as evidence.
CREATE TABLE IF NOT EXISTS after_sale_pictures (
  case_id BIGINT NOT NULL,
  seq INT NOT NULL,
  file_id BIGINT NOT NULL,
  PRIMARY KEY (case_id, seq)
);
