-- +goose Up
-- Logins of clients that are no applications, for MQTT and NATS. The secret itself
-- is not stored; device_id '' is every device.
CREATE TABLE credentials (
    name       TEXT PRIMARY KEY,
    device_id  TEXT NOT NULL,
    hash       TEXT NOT NULL,
    subscribe  TEXT NOT NULL,
    publish    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE credentials;
