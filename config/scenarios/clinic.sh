# A clinic in a shell: the hour, the people, the service beside its simulated instruments, and what the beams give them.
# Source it in a copy of a scenario's folder. The clock is libfaketime's (Debian's package faketime): product and
# simulators run as they are, and neither has a switch for it.
CLOCK=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 | head -n 1)
export FAKETIME_TIMESTAMP_FILE=${FAKETIME_TIMESTAMP_FILE:-$PWD/clock} FAKETIME_NO_CACHE=1 TZ=UTC
export ACQUIRE_CONFIG=$PWD/service.toml
SERVICE=
mkdir -p reader-files logins passwords
touch service.log
mkfifo quiet && exec 9<>quiet && rm quiet # nothing ever comes out of it: a wait that needs no process

acquire() { LD_PRELOAD=$CLOCK command acquire "$@"; }

# --- time ---

# at "2027-02-01 17:30": it is then, and the service has begun anew.
at() {
    close_clinic
    AHEAD=$((($(date -d "$1" +%s) - $(date +%s)) * 100))
    set_clock
    logged=$(wc -l <service.log)
    LD_PRELOAD=$CLOCK command acquire run service.toml 2>>service.log &
    SERVICE=$!
    for _ in $(seq 200); do
        # the log first: it costs less to look at than the bus
        tail -n "+$((logged + 1))" service.log | grep -q ' running ' && acquire tail -n 1 >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "the service does not begin; see service.log" >&2
    return 1
}

# pass 300: so many seconds pass, a quarter of one at a time and at forty times their pace. The service has its turn in
# each, however busy the machine is, so that nothing on a wire is cut off: it answers at the door of a simulator.
# A moment at its own pace first: the first reading after a begin must come before the clock runs ahead.
pass() {
    read -rt 0.3 <&9 || true
    exec 4<>"/dev/tcp/127.0.0.1/$(sed -n '/^control = /{s/.*:\([0-9]*\)".*/\1/p;q}' service.toml)"
    for _ in $(seq $(($1 * 4))); do
        AHEAD=$((AHEAD + 25))
        set_clock
        printf '{"do": "state"}\n' >&4
        read -r answer <&4
        read -rt 0.006 <&9 || true
    done
    exec 4>&-
}

set_clock() { # in place and of one length, so that nobody reads half of it
    printf '%+012d.%02d\n' $((AHEAD / 100)) $((AHEAD % 100)) 1<>"$FAKETIME_TIMESTAMP_FILE"
}

close_clinic() {
    [ -z "$SERVICE" ] || { kill "$SERVICE"; wait "$SERVICE" || true; }
    SERVICE=
}
trap close_clinic EXIT

# --- people ---

# people: everybody of the scenarios gets an account, once, with a password of their own.
people() {
    account AD-1 administrator
    account RO-1 radiation-oncologist
    account RO-2 radiation-oncologist
    account MP-1 physicist
    account MP-2 physicist
    account MD-1 dosimetrist
    account MD-2 dosimetrist
    account RT-1 therapist
    account CB-1 auditor
}

account() { # what an administrator sets is good for setting an own password, and for nothing else
    head -c 12 /dev/urandom | base64 >"passwords/$1"
    if [ "$1" = AD-1 ]; then
        acquire user add AD-1 --name "Name of AD-1" --role administrator --password-file passwords/AD-1
        as AD-1
        return
    fi
    head -c 12 /dev/urandom | base64 >passwords/first
    acquire user add "$1" --name "Name of $1" --role "$2" --password-file passwords/first
    acquire user password "$1" --password-file passwords/first --new-password-file "passwords/$1"
}

# as MD-1: who sits at the desk from here on; everybody logs in once after each `at`.
as() {
    export ACQUIRE_LOGIN=$PWD/logins/$1-$SERVICE.json ACQUIRE_BY=$1
    [ -e "$ACQUIRE_LOGIN" ] || acquire login "$1" --password-file "passwords/$1"
}

# second RT-1: the options by which another person confirms, with the own password.
second() { printf -- '--confirmed-by %s --confirm-password-file passwords/%s' "$1" "$1"; }

# to_sign RECORD.json: the beginning of the SHA-256 that stands on a record as "To be signed".
to_sign() { grep -o '"to_sign": *"[0-9a-f]*"' "$1" | tr -d ' "' | cut -c 9-20; }

# --- beams and readers: the back doors of the simulators, by their ports ---

# beam 18872 12.268 15: the detector of an electrometer collects so many nC in so many seconds.
beam() { ask "$1" "{\"do\": \"expose\", \"charge_c\": $2e-9, \"duration_s\": $3}"; }

# leakage 18872 5e-12: from here on so many ampere leak.
leakage() { ask "$1" "{\"do\": \"set\", \"name\": \"leakage_a\", \"value\": $2}"; }

# diodes 18872 20 1=15.67 2=1.1: a beam of so many seconds gives the channels of an electrometer these charges in nC.
diodes() {
    door=$1 seconds=$2
    shift 2
    for each in "$@"; do
        given="{\"channel\": ${each%=*}, \"charge_c\": ${each#*=}e-9, \"duration_s\": $seconds}"
        ask "$door" "{\"do\": \"set\", \"name\": \"expose\", \"value\": $given}"
    done
}

# chips 18873 201=641.2 14=40.93: a reader of cards reads these, a chip in the second place of each, in nC.
chips() {
    door=$1
    shift
    cards=$(for each in "$@"; do printf '[%s, [null, %se3, null, null]],' "${each%=*}" "${each#*=}"; done)
    ask "$door" "{\"do\": \"read_out\", \"dosimeters\": [${cards%,}]}"
}

# dots 18873 S-1=26010 C3-1=64820 C3-1=64790: an OSL reader reads these, one after the other, in counts.
dots() {
    door=$1
    shift
    asked=$(for each in "$@"; do printf '["%s", %s],' "${each%=*}" "${each#*=}"; done)
    ask "$door" "{\"do\": \"read_out\", \"dots\": [${asked%,}]}"
}

ask() {
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf '%s\n' "$2" >&3
    read -r answer <&3
    exec 3>&-
    case $answer in *'"ok": true'*) ;; *) printf '%s\n' "$answer" >&2 && return 1 ;; esac
}

# until_says TEXT COMMAND: asked again until its answer holds the text; a reader's file is taken in by itself.
until_says() {
    text=$1
    shift
    for _ in $(seq 100); do
        "$@" | grep -q -- "$text" && return
        sleep 0.2
    done
    printf 'never said: %s\n' "$text" >&2
    return 1
}

# refused COMMAND: what must not be possible; its sentence is shown, and a command that is done ends the scenario.
refused() { ! "$@" 2>&1 || { printf 'was done: %s\n' "$*" >&2 && return 1; }; }
