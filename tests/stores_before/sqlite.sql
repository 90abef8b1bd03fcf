-- The store as the program before revisions made it, with a row in each table. Frozen: it is never edited.
CREATE TABLE absences (
	absence_id VARCHAR(32) NOT NULL, 
	person_id TEXT NOT NULL, 
	deputy_id TEXT NOT NULL, 
	from_us BIGINT NOT NULL, 
	to_us BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (absence_id)
);
INSERT INTO absences ("absence_id", "person_id", "deputy_id", "from_us", "to_us", "version") VALUES ('absence-1', 'ann', 'bob', 3, 3, 3);
CREATE TABLE alerts (
	alert_id VARCHAR(32) NOT NULL, 
	account_id TEXT NOT NULL, 
	"trigger" VARCHAR(40) NOT NULL, 
	severity VARCHAR(16) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	rules TEXT NOT NULL, 
	hits BIGINT NOT NULL, 
	opened_us BIGINT NOT NULL, 
	seen_us BIGINT NOT NULL, 
	decision_id VARCHAR(32) NOT NULL, 
	trace TEXT NOT NULL, 
	sequence BIGINT NOT NULL, 
	PRIMARY KEY (alert_id)
);
CREATE INDEX alerts_by_account ON alerts (account_id);
CREATE INDEX alerts_by_sequence ON alerts (sequence);
INSERT INTO alerts ("alert_id", "account_id", "trigger", "severity", "status", "rules", "hits", "opened_us", "seen_us", "decision_id", "trace", "sequence") VALUES ('alert-1', 'ä 账户', 'suspected_violation', 'mild', 'open', '[]', 1, 1, 1, 'd', '{}', 1);
CREATE TABLE audit_events (
	number INTEGER NOT NULL, 
	ts_us BIGINT NOT NULL, 
	actor_id TEXT NOT NULL, 
	act VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (number)
);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id);
CREATE INDEX audit_events_by_subject ON audit_events (subject);
INSERT INTO audit_events ("number", "ts_us", "actor_id", "act", "subject", "detail", "hash") VALUES (1, 1789963200000000, 'system', 'customer.prefer', 'customer:c', '{"changed": ["language"]}', 'ea3a76b58ae99fd37fa5a1a9bb5ef702672c9185e92b911a33700593ea56fd5f');
INSERT INTO audit_events ("number", "ts_us", "actor_id", "act", "subject", "detail", "hash") VALUES (2, 1789963200000000, 'system', 'customer.contact', 'customer:c', '{"channel": "mail", "contact": "462b80054036fbc00bea9ce4ac0d56a5"}', 'c3b2a9b28a9c347deeaf21b2cc5c171c0de0095f2f95e6dff0b29b889e1d8e36');
INSERT INTO audit_events ("number", "ts_us", "actor_id", "act", "subject", "detail", "hash") VALUES (3, 1789963200000000, 'system', 'notice.write', 'notice:442fc90f1a0629c9e3ffdb98b9675471', '{"account": "a", "kind": "freeze_lifted"}', '03be22a4bc9d5ae7eaf1105f6a5c784c3d994e7336d68143b7f33c3375309c6c');
INSERT INTO audit_events ("number", "ts_us", "actor_id", "act", "subject", "detail", "hash") VALUES (4, 1789963200000000, 'system', 'case.claim', 'case:case-1', '{"words": "为什么"}', '57ff0a840aba2772f382f24f69b0100a4d21d34b95660ce60af6d54372bb9626');
INSERT INTO audit_events ("number", "ts_us", "actor_id", "act", "subject", "detail", "hash") VALUES (5, 1789963200000000, 'system', 'notice.out', 'notice:442fc90f1a0629c9e3ffdb98b9675471', '{}', '0c7040912897ee08e79fabdcbb5e90d8aa2f6b6081301cf809ab62d0b0c8c8dc');
CREATE TABLE audit_heads (
	id INTEGER NOT NULL, 
	number BIGINT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO audit_heads ("id", "number", "hash") VALUES (1, 5, '0c7040912897ee08e79fabdcbb5e90d8aa2f6b6081301cf809ab62d0b0c8c8dc');
CREATE TABLE case_acts (
	case_id VARCHAR(32) NOT NULL, 
	version BIGINT NOT NULL, 
	ts_us BIGINT NOT NULL, 
	actor_id TEXT NOT NULL, 
	act VARCHAR(16) NOT NULL, 
	words TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	tier INTEGER NOT NULL, 
	PRIMARY KEY (case_id, version)
);
INSERT INTO case_acts ("case_id", "version", "ts_us", "actor_id", "act", "words", "state", "tier") VALUES ('case-1', 1, 3, 'ann', 'claim', '为什么', 'open', 3);
CREATE TABLE cases (
	case_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	account_id TEXT, 
	customer_id TEXT, 
	action VARCHAR(16) NOT NULL, 
	limit_before_cents BIGINT, 
	limit_after_cents BIGINT, 
	cut_cents BIGINT NOT NULL, 
	exposure_cents BIGINT NOT NULL, 
	proposal_id VARCHAR(32), 
	decision_id VARCHAR(32), 
	facts TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	tier INTEGER NOT NULL, 
	required_tier INTEGER NOT NULL, 
	tier_rules TEXT NOT NULL, 
	maker_id TEXT NOT NULL, 
	opened_us BIGINT NOT NULL, 
	since_us BIGINT NOT NULL, 
	clock VARCHAR(16) NOT NULL, 
	due_us BIGINT NOT NULL, 
	claimed_by TEXT, 
	parties TEXT NOT NULL, 
	votes TEXT NOT NULL, 
	recused TEXT NOT NULL, 
	outcome TEXT, 
	is_live BOOLEAN NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (case_id)
);
CREATE INDEX cases_by_account ON cases (account_id);
CREATE INDEX cases_by_due ON cases (is_live, due_us);
CREATE UNIQUE INDEX cases_by_proposal ON cases (proposal_id);
CREATE INDEX cases_by_tier ON cases (is_live, tier, due_us);
INSERT INTO cases ("case_id", "kind", "account_id", "customer_id", "action", "limit_before_cents", "limit_after_cents", "cut_cents", "exposure_cents", "proposal_id", "decision_id", "facts", "state", "tier", "required_tier", "tier_rules", "maker_id", "opened_us", "since_us", "clock", "due_us", "claimed_by", "parties", "votes", "recused", "outcome", "is_live", "version") VALUES ('case-1', 'decision', 'a', NULL, 'decrease', NULL, NULL, 3, 3, 'proposal-1', NULL, '{}', 'open', 3, 3, '[]', 'system', 3, 3, 'remind', 3, NULL, '[]', '[]', '[]', NULL, 1, 3);
CREATE TABLE contacts (
	contact_id VARCHAR(32) NOT NULL, 
	customer_id VARCHAR(200) NOT NULL, 
	channel VARCHAR(16) NOT NULL, 
	rank INTEGER NOT NULL, 
	address BLOB NOT NULL, 
	consented BOOLEAN NOT NULL, 
	is_broken BOOLEAN NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (contact_id)
);
CREATE INDEX contacts_by_customer ON contacts (customer_id, rank);
INSERT INTO contacts ("contact_id", "customer_id", "channel", "rank", "address", "consented", "is_broken", "version") VALUES ('462b80054036fbc00bea9ce4ac0d56a5', 'c', 'mail', 0, X'f56634260598a8321b52101551e7343a94ad1da7f49d7f5f42bbed7e71cf993c097c8656e3f4a63122', 1, 0, 1);
CREATE TABLE customers (
	customer_id VARCHAR(200) NOT NULL, 
	language VARCHAR(8) NOT NULL, 
	time_zone VARCHAR(64) NOT NULL, 
	quiet_from_hour INTEGER NOT NULL, 
	quiet_to_hour INTEGER NOT NULL, 
	refuses_automation BOOLEAN NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (customer_id)
);
INSERT INTO customers ("customer_id", "language", "time_zone", "quiet_from_hour", "quiet_to_hour", "refuses_automation", "version") VALUES ('c', 'en', 'Asia/Shanghai', 22, 8, 0, 1);
CREATE TABLE deliveries (
	delivery_id VARCHAR(64) NOT NULL, 
	notice_id VARCHAR(32) NOT NULL, 
	contact_id VARCHAR(32) NOT NULL, 
	channel VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	tried_us BIGINT NOT NULL, 
	problem TEXT, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (delivery_id)
);
CREATE INDEX deliveries_by_notice ON deliveries (notice_id);
INSERT INTO deliveries ("delivery_id", "notice_id", "contact_id", "channel", "state", "attempts", "tried_us", "problem", "version") VALUES ('442fc90f1a0629c9e3ffdb98b9675471462b80054036fbc00bea9ce4ac0d56a5', '442fc90f1a0629c9e3ffdb98b9675471', '462b80054036fbc00bea9ce4ac0d56a5', 'mail', 'sent', 1, 1789963200000000, NULL, 2);
CREATE TABLE journal (
	sequence INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	events INTEGER NOT NULL, 
	committed_us BIGINT NOT NULL, 
	content BLOB NOT NULL, 
	PRIMARY KEY (sequence)
);
INSERT INTO journal ("sequence", "kind", "events", "committed_us", "content") VALUES (1, 'events', 2, 7, X'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f');
CREATE TABLE limit_entries (
	entry_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(200) NOT NULL, 
	number INTEGER NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	target_cents BIGINT, 
	delta_cents BIGINT NOT NULL, 
	planned_us BIGINT NOT NULL, 
	look_us BIGINT, 
	effective_us BIGINT, 
	until_us BIGINT, 
	reverses VARCHAR(32), 
	case_id VARCHAR(32), 
	decision_id VARCHAR(32), 
	notice_id VARCHAR(32), 
	why TEXT NOT NULL, 
	cancelled_why TEXT, 
	maker_id TEXT NOT NULL, 
	made_us BIGINT NOT NULL, 
	bank_state VARCHAR(16) NOT NULL, 
	bank_detail TEXT, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
CREATE UNIQUE INDEX limit_entries_by_account ON limit_entries (account_id, number);
CREATE INDEX limit_entries_by_case ON limit_entries (case_id);
CREATE INDEX limit_entries_by_look ON limit_entries (look_us);
INSERT INTO limit_entries ("entry_id", "account_id", "number", "action", "state", "target_cents", "delta_cents", "planned_us", "look_us", "effective_us", "until_us", "reverses", "case_id", "decision_id", "notice_id", "why", "cancelled_why", "maker_id", "made_us", "bank_state", "bank_detail", "version") VALUES ('entry-1', 'a', 1, 'open', 'effective', NULL, 3, 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'opened', NULL, 'system', 3, 'none', NULL, 3);
CREATE TABLE lines (
	account_id VARCHAR(200) NOT NULL, 
	customer_id TEXT, 
	limit_cents BIGINT NOT NULL, 
	is_frozen BOOLEAN NOT NULL, 
	entries INTEGER NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (account_id)
);
CREATE INDEX lines_by_customer ON lines (customer_id);
INSERT INTO lines ("account_id", "customer_id", "limit_cents", "is_frozen", "entries", "version") VALUES ('a', 'c', 100, 1, 3, 3);
CREATE TABLE mandates (
	mandate_id VARCHAR(32) NOT NULL, 
	person_id TEXT NOT NULL, 
	tier INTEGER NOT NULL, 
	actions TEXT NOT NULL, 
	cut_cents_max BIGINT, 
	exposure_cents_max BIGINT, 
	from_us BIGINT NOT NULL, 
	to_us BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (mandate_id)
);
INSERT INTO mandates ("mandate_id", "person_id", "tier", "actions", "cut_cents_max", "exposure_cents_max", "from_us", "to_us", "version") VALUES ('mandate-1', 'ann', 3, '[]', NULL, NULL, 3, 3, 3);
CREATE TABLE notices (
	notice_id VARCHAR(32) NOT NULL, 
	customer_id VARCHAR(200) NOT NULL, 
	account_id VARCHAR(200), 
	kind VARCHAR(32) NOT NULL, 
	language VARCHAR(8) NOT NULL, 
	content BLOB NOT NULL, 
	made_us BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	out_us BIGINT, 
	read_us BIGINT, 
	due_us BIGINT, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (notice_id)
);
CREATE INDEX notices_by_customer ON notices (customer_id, made_us);
CREATE INDEX notices_by_due ON notices (due_us);
INSERT INTO notices ("notice_id", "customer_id", "account_id", "kind", "language", "content", "made_us", "state", "out_us", "read_us", "due_us", "version") VALUES ('442fc90f1a0629c9e3ffdb98b9675471', 'c', 'a', 'freeze_lifted', 'en', X'fb1bd87c31146dbb2e7c2ae01b46f1ae2b07713483ff4df056e088affd0f18389abae03bfe850bb4dd1cbe169504ba3d78354591ba249996e84419ca24e7f1cad31e9b7a4ec3560bfde1e14d71c5a2461dbccd292e31343dd61d1cea053a528bce03d23a784b2b89409dfbed7859ade4e8452089f9327f1ff96f322ada9027a8b937158b172eb76181d51620a36da8da42d250756df11d7552871d47d783d14036b062199505e0096d87cade7a53bbf11e067cfe35cc719e9fa0d005f0cc0f6b4887bc6b2da4', 1789963200000000, 'out', 1789963200000000, NULL, NULL, 2);
CREATE TABLE offsets (
	topic VARCHAR(249) NOT NULL, 
	partition INTEGER NOT NULL, 
	next_offset BIGINT NOT NULL, 
	UNIQUE (topic, partition)
);
INSERT INTO offsets ("topic", "partition", "next_offset") VALUES ('t', 0, 12);
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	subject VARCHAR(32) NOT NULL, 
	topic VARCHAR(40) NOT NULL, 
	content TEXT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_us BIGINT NOT NULL, 
	error TEXT, 
	PRIMARY KEY (id)
);
CREATE INDEX outbox_by_due ON outbox (status, due_us);
INSERT INTO outbox ("id", "subject", "topic", "content", "status", "attempts", "due_us", "error") VALUES (1, 'x', 'alert.opened', '{}', 'waiting', 0, 3, NULL);
CREATE TABLE portfolio_alerts (
	alert_id VARCHAR(32) NOT NULL, 
	"trigger" VARCHAR(40) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	alerts BIGINT NOT NULL, 
	expected FLOAT NOT NULL, 
	sigmas FLOAT NOT NULL, 
	events BIGINT NOT NULL, 
	sequence BIGINT NOT NULL, 
	PRIMARY KEY (alert_id)
);
CREATE INDEX portfolio_alerts_by_day ON portfolio_alerts (day);
INSERT INTO portfolio_alerts ("alert_id", "trigger", "day", "alerts", "expected", "sigmas", "events", "sequence") VALUES ('p-1', 't', '2026-09-20', 4, 1.25, 3.5, 99, 1);
CREATE TABLE proposals (
	proposal_id VARCHAR(32) NOT NULL, 
	account_id TEXT NOT NULL, 
	decision_id VARCHAR(32) NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	rule VARCHAR(80), 
	limit_before_cents BIGINT, 
	limit_after_cents BIGINT, 
	made_us BIGINT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	status_us BIGINT NOT NULL, 
	reason TEXT, 
	trace TEXT NOT NULL, 
	sequence BIGINT NOT NULL, 
	PRIMARY KEY (proposal_id)
);
CREATE INDEX proposals_by_account ON proposals (account_id, status);
CREATE INDEX proposals_by_sequence ON proposals (sequence);
INSERT INTO proposals ("proposal_id", "account_id", "decision_id", "action", "rule", "limit_before_cents", "limit_after_cents", "made_us", "status", "status_us", "reason", "trace", "sequence") VALUES ('proposal-1', 'a', 'd', 'decrease', 'r', 100, 50, 1, 'open', 1, NULL, '{}', 1);
CREATE TABLE rejects (
	id INTEGER NOT NULL, 
	sequence BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	event_id TEXT, 
	account_id TEXT, 
	reason VARCHAR(40) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX rejects_by_sequence ON rejects (sequence);
INSERT INTO rejects ("id", "sequence", "source", "event_id", "account_id", "reason") VALUES (1, 1, 's', NULL, 'é', 'ts_missing');
CREATE TABLE store_heads (
	id INTEGER NOT NULL, 
	format INTEGER NOT NULL, 
	sequence BIGINT NOT NULL, 
	epoch BIGINT NOT NULL, 
	counts TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO store_heads ("id", "format", "sequence", "epoch", "counts", "settings") VALUES (1, 2, 1, 1, '{"events": {"accepted": 2, "rejected": 1}}', '{"market": "CN"}');
