-- +goose Up
-- What devices told of themselves: for each device a few blocks, each with the
-- samples of some time (package server/metrics), compressed. step is how far apart
-- they are, in microseconds; times are microseconds since 1970.
CREATE TABLE metrics (
    device_id TEXT NOT NULL,
    start_at  BIGINT NOT NULL,
    end_at    BIGINT NOT NULL,
    step      BIGINT NOT NULL,
    samples   BYTEA NOT NULL,
    PRIMARY KEY (device_id, start_at)
);

-- +goose Down
DROP TABLE metrics;
