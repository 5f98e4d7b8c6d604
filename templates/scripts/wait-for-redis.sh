#!/bin/sh
# Succeeds once Redis responds. Run by an init container of the service, because the service connects to Redis only once
# when it starts, and exits if that fails.
#
# Environment, in addition to POLL_SECONDS of database.sh:
#   REDIS_HOST, REDIS_PORT  the server
#   REDIS_WAIT_SECONDS      how long to wait for it (120)
. "$(dirname "$0")/database.sh"

REDIS_WAIT_SECONDS=${REDIS_WAIT_SECONDS:-120}
server="Redis at ${REDIS_HOST:?}:${REDIS_PORT:=6379}"

redis_deadline=$(($(now) + REDIS_WAIT_SECONDS))
last=
while :; do
    # A single attempt must not use up the whole time if a firewall drops packets.
    answer=$(timeout 5 redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" PING 2>&1) || answer="no response: $answer"
    answer=$(one_line "$answer")
    # A server that requires a password is up; the password is up to the service.
    case $answer in PONG | NOAUTH* | NOPERM*) break ;; esac
    [ "$(now)" -lt "$redis_deadline" ] || fail "$server did not respond within $REDIS_WAIT_SECONDS s: $answer"
    [ "$answer" = "$last" ] || say "waiting for $server: $answer"
    last=$answer
    sleep "$POLL_SECONDS"
done
say "done: Redis is ready"
