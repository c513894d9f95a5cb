#!/usr/bin/env bash
# Sends back what it is sent: a node in another language. A client's text has no quotes.

part() { [[ $line =~ \"$1\":\ ?\"?([^\",}]*) ]] && echo "${BASH_REMATCH[1]}"; }

while read -r line; do
  if [[ $line == *'"node_id"'* ]]; then
    id=$(part node_id)
    body='"type": "init_ok"'
  else
    body="\"type\": \"echo_ok\", \"echo\": \"$(part echo)\""
  fi
  echo "{\"src\": \"$id\", \"dest\": \"$(part src)\", \"body\": {\"in_reply_to\": $(part msg_id), $body}}"
done
