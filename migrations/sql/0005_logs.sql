-- Retention of job output, and jobs that wait for their nodes.
CREATE INDEX job_ended ON job (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX audit_time ON audit (time_ms);

-- Rooms that watch the output of a running job: one message per room and job.
CREATE TABLE follow (
    id         TEXT   NOT NULL PRIMARY KEY, -- UUIDv7; also names the message's progress object
    job_id     TEXT   NOT NULL,
    position   BIGINT NOT NULL,             -- which task
    kind       TEXT   NOT NULL,
    bot        TEXT   NOT NULL,
    room       TEXT   NOT NULL,
    thread     TEXT   NOT NULL,
    reply_to   TEXT   NOT NULL,
    language   TEXT   NOT NULL,
    until_ms   BIGINT NOT NULL,
    UNIQUE (job_id, kind, bot, room, thread)
);
