-- +goose NO TRANSACTION
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
  returned_at DATETIME(3) NULL, -- when the goods were sent back
  refund_id BIGINT NULL, -- the refund that it ended in
  deadline_at DATETIME(3) NULL, -- when the clock moves it on; NULL: it waits for the platform, or has ended
  urgency BIGINT NOT NULL, -- order of lists: open cases by deadline, then the ended ones, the last ended first
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY after_sales_refund (refund_id),
  KEY after_sales_order (order_id),
  KEY after_sales_parcel (parcel_id, status),
  KEY after_sales_person (person_id, id),
  KEY after_sales_supplier (supplier_id, urgency, id),
  KEY after_sales_union (union_id, urgency, id),
  KEY after_sales_due (status, deadline_at)
);

-- What of which order lines a case is about.
CREATE TABLE IF NOT EXISTS after_sale_lines (
  case_id BIGINT NOT NULL,
  line_id BIGINT NOT NULL,
  quantity BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  PRIMARY KEY (case_id, line_id),
  KEY after_sale_lines_line (line_id)
);

-- The history of cases: who did what when. Never changed, never deleted.
CREATE TABLE IF NOT EXISTS after_sale_events (
  id BIGINT NOT NULL,
  case_id BIGINT NOT NULL,
  at DATETIME(3) NOT NULL,
  party VARCHAR(16) NOT NULL, -- member | union | supplier | platform | clock
  actor VARCHAR(40) NOT NULL, -- "person:1", "staff:2", "clock"
  action VARCHAR(16) NOT NULL, -- open | agree | refuse | send_back | receive | withdraw | escalate | decide | expire
  status VARCHAR(16) NOT NULL, -- of the case after it
  note VARCHAR(500) NOT NULL,
  PRIMARY KEY (id),
  KEY after_sale_events_case (case_id, id)
);

-- Pictures that go with a case as evidence.
CREATE TABLE IF NOT EXISTS after_sale_pictures (
  case_id BIGINT NOT NULL,
  seq INT NOT NULL,
  file_id BIGINT NOT NULL,
  PRIMARY KEY (case_id, seq)
);
