-- Updates that go through the fleet in waves.

-- A node's part in an update, beside its task: how far it is, and what was so before.
CREATE TABLE rollout_part (
    order_id TEXT   NOT NULL PRIMARY KEY,
    job_id   TEXT   NOT NULL,
    address  TEXT   NOT NULL,
    is_over  BIGINT NOT NULL,
    part     TEXT   NOT NULL -- JSON
);
CREATE INDEX rollout_part_job ON rollout_part (job_id);
-- A node is in one update at a time.
CREATE UNIQUE INDEX rollout_part_open ON rollout_part (address) WHERE is_over = 0;
