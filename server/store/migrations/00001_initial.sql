-- Times are microseconds since 1970 (UTC). Lists are JSON arrays. One text for
-- SQLite and PostgreSQL: ids come from the table counters, in order of commit.

-- +goose Up
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('applications', 0), ('deployments', 0), ('events', 0);

CREATE TABLE artifacts (
    digest     TEXT PRIMARY KEY,
    size       BIGINT NOT NULL,
    unpacked   BIGINT NOT NULL,
    files      BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- One row for each version of an application.
CREATE TABLE applications (
    id                  BIGINT PRIMARY KEY,
    name                TEXT NOT NULL,
    version             TEXT NOT NULL,
    artifact            TEXT NOT NULL REFERENCES artifacts (digest),
    configuration_text  TEXT NOT NULL,
    configuration       TEXT NOT NULL,
    runtime_environment TEXT NOT NULL,
    required_platform   TEXT NOT NULL,
    is_containerized    BOOLEAN NOT NULL,
    dependencies        TEXT NOT NULL,
    subscription_topics TEXT NOT NULL,
    publication_topics  TEXT NOT NULL,
    status              TEXT NOT NULL,
    reported_status     TEXT NOT NULL DEFAULT '',
    is_processed        BOOLEAN NOT NULL DEFAULT FALSE,
    extracted_path      TEXT NOT NULL DEFAULT '',
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    UNIQUE (name, version)
);
CREATE INDEX applications_artifact ON applications (artifact);

CREATE TABLE commands (
    application_id BIGINT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    position       BIGINT NOT NULL,
    mode           TEXT NOT NULL,
    command        TEXT NOT NULL,
    wait_for_exit  BOOLEAN NOT NULL,
    timeout        BIGINT NOT NULL,
    PRIMARY KEY (application_id, position)
);

CREATE TABLE devices (
    id           TEXT PRIMARY KEY,
    platform     TEXT NOT NULL,
    agent        TEXT NOT NULL,
    labels       TEXT NOT NULL,
    facts        TEXT NOT NULL,
    revision     BIGINT NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
);

CREATE TABLE deployments (
    id          BIGINT PRIMARY KEY,
    name        TEXT NOT NULL,
    version     TEXT NOT NULL,
    status      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX deployments_name ON deployments (name, id);

-- The course of a deployment on each device; it stays as history.
CREATE TABLE deployment_devices (
    deployment_id BIGINT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    device_id     TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    status        TEXT NOT NULL,
    step          TEXT NOT NULL DEFAULT '',
    message       TEXT NOT NULL DEFAULT '',
    sequence      BIGINT NOT NULL DEFAULT 0, -- of the event applied last
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, device_id)
);

-- What each device should hold now, and what it reports. good_* is the version
-- that last came up there, and whether people had it running or stopped: where a
-- failed or cancelled deployment goes back to. state is what the device reported
-- last ('removed': nothing yet); that a deployment is under way is not written
-- here but read from deployment_devices, so that the two cannot disagree.
CREATE TABLE placements (
    device_id           TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name                TEXT NOT NULL,
    application_id      BIGINT NOT NULL REFERENCES applications (id),
    deployment_id       BIGINT NOT NULL,
    good_application_id BIGINT REFERENCES applications (id),
    good_deployment_id  BIGINT,
    good_desired        TEXT,
    desired             TEXT NOT NULL,
    state               TEXT NOT NULL,
    actual              TEXT NOT NULL DEFAULT '',
    message             TEXT NOT NULL DEFAULT '',
    sequence            BIGINT NOT NULL DEFAULT 0, -- of the event applied last
    updated_at          BIGINT NOT NULL,
    PRIMARY KEY (device_id, name)
);
CREATE INDEX placements_name ON placements (name);

-- What happened; device_id and sequence make that each is applied once.
CREATE TABLE events (
    id            BIGINT PRIMARY KEY,
    device_id     TEXT NOT NULL,
    sequence      BIGINT NOT NULL,
    time          BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    application   TEXT NOT NULL,
    deployment_id BIGINT NOT NULL,
    event         TEXT NOT NULL,
    UNIQUE (device_id, sequence)
);
CREATE INDEX events_deployment ON events (deployment_id, id);

CREATE TABLE tokens (
    hash         TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    device_id    TEXT NOT NULL DEFAULT '',
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL DEFAULT 0
);

-- +goose Down
DROP TABLE tokens;
DROP TABLE events;
DROP TABLE placements;
DROP TABLE deployment_devices;
DROP TABLE deployments;
DROP TABLE devices;
DROP TABLE commands;
DROP TABLE applications;
DROP TABLE artifacts;
DROP TABLE counters;
