# A clinic in a shell: the hour, the service beside its simulated instruments, and what the beams give them.
# Source it in a copy of a scenario's folder. The clock is libfaketime's (Debian's package faketime): product and
# simulators run as they are, and neither has a switch for it.
CLOCK=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 | head -n 1)
export FAKETIME_TIMESTAMP_FILE=$PWD/clock FAKETIME_NO_CACHE=1 TZ=UTC ACQUIRE_CONFIG=$PWD/service.toml
SERVICE=
set_clock() { printf '%+012d.%02d\n' $(($1 / 100)) $(($1 % 100)) 1<>clock; }  # hundredths of a second, in place: never half
AHEAD=0
set_clock 0

acquire() { LD_PRELOAD=$CLOCK command acquire "$@"; }

# as MD-1: who acts from here on.
as() { export ACQUIRE_BY=$1; }

# at "2027-02-01 17:30": it is then, and the service has begun anew.
at() {
    close_clinic
    AHEAD=$((($(date -d "$1" +%s) - $(date +%s)) * 100))
    set_clock "$AHEAD"
    LD_PRELOAD=$CLOCK command acquire run service.toml 2>>service.log &
    SERVICE=$!
    for _ in $(seq 50); do
        acquire tail --config service.toml -n 1 >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "the service does not begin; see service.log" >&2
    return 1
}

# pass 300: so many seconds pass, a quarter of a second at a time and at forty times their pace, so that nothing on a wire is cut off.
pass() {
    for _ in $(seq $(($1 * 4))); do
        AHEAD=$((AHEAD + 25))
        set_clock "$AHEAD"
        read -rt 0.006 <&9 || true
    done
}
mkfifo quiet && exec 9<>quiet && rm quiet  # nothing ever comes out of it: a wait without a process

# diodes 18872 20 1=15.67 2=1.1: a beam of so many seconds gives channels of a 12-channel electrometer these charges in nC.
diodes() {
    door=$1 seconds=$2
    shift 2
    for each in "$@"; do
        ask "$door" "{\"do\": \"set\", \"name\": \"expose\", \"value\": {\"channel\": ${each%=*}, \"charge_c\": ${each#*=}e-9, \"duration_s\": $seconds}}"
    done
}

# chips 18873 201=641.2 14=40.93: a reader of cards reads these, one chip in the second place of each, charges in nC.
chips() {
    door=$1
    shift
    cards=$(for each in "$@"; do printf '[%s, [null, %se3, null, null]],' "${each%=*}" "${each#*=}"; done)
    ask "$door" "{\"do\": \"read_out\", \"dosimeters\": [${cards%,}]}"
}

ask() {
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf '%s\n' "$2" >&3
    read -r answer <&3
    exec 3>&-
    case $answer in *'"ok": true'*) ;; *) printf '%s\n' "$answer" >&2 && return 1 ;; esac
}

close_clinic() {
    [ -z "$SERVICE" ] || { kill "$SERVICE"; wait "$SERVICE" || true; }
    SERVICE=
}
trap close_clinic EXIT
