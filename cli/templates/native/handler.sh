#!/bin/sh
# Answers in capital letters. Log on stderr; a status other than 0 is a failure.
echo "called for ${FESCUE_EVENT_SUBJECT:-a direct call}" >&2
tr '[:lower:]' '[:upper:]'
