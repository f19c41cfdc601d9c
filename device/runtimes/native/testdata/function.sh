#!/bin/sh
# The function of the conformance suite (device/runtimes/runtimetest), one process per event.
input=$(cat; printf x)
input=${input%x}
verb=${input%% *}
rest=${input#* }
case $verb in
echo) printf %s "$rest" ;;
fail) echo "$rest" >&2; exit 1 ;;
sleep) sleep "$((rest / 1000)).$(printf %03d $((rest % 1000)))"; printf slept ;;
print) echo "out $rest"; echo "err $rest" >&2 ;;
exit) exit "$rest" ;;
read) cat "$rest" ;;
write) printf x > "$rest" ;;
variable) eval "printf %s \"\$$rest\"" ;;
topic) printf %s "$FESCUE_EVENT_SUBJECT" ;;
*) echo "no verb $verb" >&2; exit 2 ;;
esac
