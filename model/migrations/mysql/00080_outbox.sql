-- +goose NO TRANSACTION
-- +goose Up

-- What is to be told, written in the transaction that it tells of; each event once.
CREATE TABLE IF NOT EXISTS outbox (
  id BIGINT NOT NULL,
  topic VARCHAR(24) NOT NULL, -- allowance_issued | allowance_ending | order_shipped | refund_done | shipping_info
  cause VARCHAR(100) NOT NULL, -- the event: "grant_item:12"
  person_id BIGINT NOT NULL, -- who is told; shipping_info: who paid
  union_id BIGINT NOT NULL, -- the union concerned
  batch_id BIGINT NULL, -- the grant or reminder that it belongs to
  payload VARCHAR(1000) NOT NULL, -- JSON, by topic; no names, phones or addresses
  status VARCHAR(16) NOT NULL, -- waiting | sending | sent | skipped | dead
  attempts INT NOT NULL, -- calls begun
  next_try_at DATETIME(3) NOT NULL, -- not before; while sending: when another worker may take it up
  holder VARCHAR(40) NOT NULL, -- who is sending it
  account_id BIGINT NULL, -- the WeChat account whose consent it took
  last_error VARCHAR(300) NOT NULL, -- in Chinese: why it was skipped, failed or is tried again
  created_at DATETIME(3) NOT NULL,
  sent_at DATETIME(3) NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY outbox_cause (topic, cause),
  KEY outbox_due (status, next_try_at),
  KEY outbox_listing (topic, status, id),
  KEY outbox_batch (batch_id, status),
  KEY outbox_account (account_id, topic)
);

-- Consents to subscribe messages: one consent is one message.
CREATE TABLE IF NOT EXISTS subscriptions (
  account_id BIGINT NOT NULL,
  template VARCHAR(24) NOT NULL, -- the topic
  accepted_count INT NOT NULL,
  rejected_count INT NOT NULL,
  used_count INT NOT NULL, -- taken by messages
  void_count INT NOT NULL, -- worth nothing: WeChat said that the user takes no more
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (account_id, template)
);

-- One round of reminders of a union's members before the year's end.
CREATE TABLE IF NOT EXISTS reminders (
  id BIGINT NOT NULL,
  union_id BIGINT NOT NULL,
  year INT NOT NULL,
  kind VARCHAR(10) NOT NULL, -- "60", "30", "7": days before the end, by the clock; a China date: by the union, once a day
  status VARCHAR(16) NOT NULL, -- running | done
  cursor_id BIGINT NOT NULL, -- the allowance up to which all are done
  holders INT NOT NULL, -- allowances with money left
  told INT NOT NULL, -- of them written into the outbox: bound, with a consent
  started_by BIGINT NULL, -- NULL: by the clock
  started_at DATETIME(3) NOT NULL,
  finished_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY reminders_once (union_id, year, kind)
);
