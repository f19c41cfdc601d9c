-- +goose Up
-- Labels that people gave a device, beside those of its agent: a JSON object, in which null
-- hides one of the agent's.
ALTER TABLE devices ADD COLUMN given_labels TEXT NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE devices DROP COLUMN given_labels;
