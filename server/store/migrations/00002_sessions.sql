-- +goose Up
-- A session of the console is a token that ends by itself: 0 is never.
ALTER TABLE tokens ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE tokens DROP COLUMN expires_at;
