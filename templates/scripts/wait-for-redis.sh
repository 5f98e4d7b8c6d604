#!/bin/sh
# Ends well once Redis answers. Run by an init container of the service, because the service tries Redis once while it
# starts, and ends without it.
#
# Environment, besides POLL_SECONDS of database.sh:
#   REDIS_HOST, REDIS_PORT  the server
#   REDIS_WAIT_SECONDS      how long to wait for it to answer (120)
. "$(dirname "$0")/database.sh"

REDIS_WAIT_SECONDS=${REDIS_WAIT_SECONDS:-120}
server="Redis at ${REDIS_HOST:?}:${REDIS_PORT:=6379}"

redis_deadline=$(($(now) + REDIS_WAIT_SECONDS))
told=
while :; do
    # A server behind a firewall that swallows packets must not take the whole waiting time for one try.
    answer=$(timeout 5 redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" PING 2>&1) || answer="no answer: $answer"
    answer=$(one_line "$answer")
    # One that asks for a password is up; the password is the service's business.
    case $answer in PONG | NOAUTH* | NOPERM*) break ;; esac
    [ "$(now)" -lt "$redis_deadline" ] || fail "$server did not answer within $REDIS_WAIT_SECONDS s: $answer"
    [ "$answer" = "$told" ] || say "waiting for $server: $answer"
    told=$answer
    sleep "$POLL_SECONDS"
done
say "done: Redis answers"
